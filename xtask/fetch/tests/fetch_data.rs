//! `fetch-data` as a program: killed, interrupted, run twice, in a read-only folder.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "test helpers fail as tests do")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;
use tempfile::TempDir;

/// An archive with the layout of the Heidelberg Digits, without a published checksum.
fn archive() -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::none()));
    let noise: Vec<u8> = (0..400_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for (name, content) in
        [("audio/a.flac", &noise[..]), ("train_filenames.txt", b"a.flac"), ("test_filenames.txt", b"")]
    {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, content).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// A mirror that sends the first half of the archive, and the rest only at the second request or on command. Returns its address
/// and the requested offsets.
fn slow_mirror() -> (String, Arc<Mutex<Vec<usize>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let offsets = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&offsets);
    thread::spawn(move || {
        let file = archive();
        for stream in listener.incoming().flatten() {
            let (mut offset, mut found) = (0, false);
            for line in BufReader::new(&stream).lines().map_while(Result::ok) {
                found |= line.starts_with("GET /heidelberg/hd_audio.tar.gz ");
                if let Some(range) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
                    offset = range.trim_end_matches('-').parse().unwrap();
                }
                if line.is_empty() {
                    break;
                }
            }
            if !found {
                let _ = (&stream)
                    .write_all(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
                continue;
            }
            let first = seen.lock().unwrap().is_empty();
            seen.lock().unwrap().push(offset);
            let rest = &file[offset..];
            let status = if offset > 0 { "206 Partial Content" } else { "200 OK" };
            let (length, last, total) = (rest.len(), file.len() - 1, file.len());
            let head = format!(
                "HTTP/1.1 {status}\r\nConnection: close\r\nETag: \"a\"\r\nContent-Length: {length}\r\nContent-Range: bytes \
                 {offset}-{last}/{total}\r\n\r\n"
            );
            let _ = (&stream).write_all(head.as_bytes());
            if first {
                let _ = (&stream).write_all(&rest[..length / 2]);
                // A process waiting for the rest waits until it is killed.
                thread::spawn(move || {
                    thread::sleep(Duration::from_secs(20));
                    drop(stream);
                });
            } else {
                let _ = (&stream).write_all(rest);
            }
        }
    });
    (address, offsets)
}

fn command(root: &Path, arguments: &[&str]) -> Command {
    let mut command = snn_test_support::signals::listening(env!("CARGO_BIN_EXE_snn-fetch"));
    command.args(arguments).arg("--dir").arg(root);
    for name in ["http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"] {
        command.env_remove(name);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts a run and waits until half of the file is on disk.
fn half_way(root: &TempDir, mirror: &str) -> Child {
    let child = command(root.path(), &["heidelberg", "--mirror", mirror]).spawn().unwrap();
    let part = root.path().join(".fetch/heidelberg/hd_audio.tar.gz.part");
    let half = archive().len() as u64 / 2;
    for _ in 0..400 {
        if fs::metadata(&part).is_ok_and(|it| it.len() >= half) {
            break;
        }
        thread::sleep(Duration::from_millis(25));
    }
    child
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Fetches to the end, and checks that only the second half was requested.
fn goes_on(root: &TempDir, mirror: &str, offsets: &Mutex<Vec<usize>>) -> Output {
    let output = command(root.path(), &["heidelberg", "--json", "--mirror", mirror]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((report[0]["outcome"].as_str(), report[0]["files"].as_u64()), (Some("fetched"), Some(3)));
    let offsets = offsets.lock().unwrap().clone();
    assert_eq!(offsets, [0, archive().len() / 2]);
    output
}

#[test]
fn a_killed_run_resumes() {
    let (mirror, offsets) = slow_mirror();
    let root = tempfile::tempdir().unwrap();
    let mut child = half_way(&root, &mirror);
    signal(&child, "-KILL");
    child.wait().unwrap();
    assert!(!root.path().join("heidelberg").exists(), "no partial content is in place");
    let output = goes_on(&root, &mirror, &offsets);
    assert!(text(&output.stderr).contains("trusted on first use"), "{}", text(&output.stderr));
    let verify = command(root.path(), &["--verify-only", "heidelberg"]).output().unwrap();
    assert!(verify.status.success());
    fs::write(root.path().join("heidelberg/audio/b.flac"), "more").unwrap();
    let verify = command(root.path(), &["--verify-only", "heidelberg"]).output().unwrap();
    assert_eq!(verify.status.code(), Some(1));
    assert!(text(&verify.stderr).contains("audio/b.flac has been added"), "{}", text(&verify.stderr));
}

#[test]
fn an_interrupted_run_reports_that_the_next_one_resumes() {
    let (mirror, offsets) = slow_mirror();
    let root = tempfile::tempdir().unwrap();
    let child = half_way(&root, &mirror);
    // A second run waits for the first, and reports its process id.
    let mut second = command(root.path(), &["heidelberg", "--mirror", &mirror]).spawn().unwrap();
    let pid = child.id();
    thread::sleep(Duration::from_millis(300));
    signal(&second, "-KILL");
    second.wait().unwrap();
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(text(&output.stderr).contains("the same command resumes"), "{}", text(&output.stderr));
    let lock = fs::read_to_string(root.path().join(".fetch/heidelberg.lock")).unwrap();
    assert_eq!(lock.trim(), format!("process {pid}"));
    goes_on(&root, &mirror, &offsets);
}

#[test]
fn usage_errors_differ_from_failures() {
    let root = tempfile::tempdir().unwrap();
    for wrong in [&["nosuch"][..], &[], &["mnist", "--mirror", "ftp://x"], &["--list", "--verify-only"]] {
        assert_eq!(command(root.path(), wrong).output().unwrap().status.code(), Some(2), "{wrong:?}");
    }
    let output = command(root.path(), &["speech_commands_ten_words"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("specify a mirror that does"), "{}", text(&output.stderr));
    let output = command(root.path(), &["--list", "--json"]).output().unwrap();
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((list[0]["name"].as_str(), list[0]["state"].as_str()), (Some("mnist"), Some("absent")));
}
