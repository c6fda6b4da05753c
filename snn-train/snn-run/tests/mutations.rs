//! Seeded damage to every record of a run: no panic and no hang. `cargo xtask torture` runs more of these tests.
#![allow(clippy::unwrap_used, reason = "test helpers fail as tests do")]

use std::time::{Duration, Instant};

use snn_run::fuzzing;
use snn_test_support::mutation::mutations;

const ROUNDS: u64 = 5000;
const LONGEST: Duration = Duration::from_secs(1);

#[track_caller]
fn survive(name: &str, file: &[u8], parse: fn(&[u8]) -> bool) {
    assert!(parse(file), "{name}: the corpus is right");
    let mut accepted = 0;
    mutations(file, 0..ROUNDS, |seed, bytes| {
        let begin = Instant::now();
        accepted += u64::from(parse(bytes));
        assert!(begin.elapsed() < LONGEST, "{name}: seed {seed} takes {:?}", begin.elapsed());
    });
    assert!(accepted < ROUNDS, "{name}: some damage is noticed");
}

#[test]
fn records_of_a_run() {
    let metrics = r#"{"version":1,"kind":"epoch","epoch":1,"step":16,"time":1.7e9,"train":{"loss":0.7,"cross_entropy":0.6,"regularization":0.1,"accuracy":0.5},"valid":{"loss":0.6,"cross_entropy":0.6,"regularization":0.0,"accuracy":0.75},"best":true,"layers":[{"spikes":12.5,"silent":0.1,"saturated":0.0}],"learning_rate":0.001,"gradient_norms":{"W1":0.1,"Wout":2.0},"seconds":{"data":0.1,"forward":0.2}}
{"version":1,"kind":"warning","epoch":1,"message":"layer 1 is silent"}
{"version":1,"kind":"test","epoch":1,"selected_epoch":1,"samples":20,"loss":0.5,"accuracy":0.9,"layers":[]}
"#;
    survive("metrics", metrics.as_bytes(), fuzzing::records);
    let status = r#"{"version":1,"state":"running","pid":1,"started":1.5,"heartbeat":2.5,"epoch":3,"epochs":9,"batch":1,"batches":16,"samples":200,"best":{"epoch":2,"accuracy":0.9,"loss":0.1},"test_accuracy":null,"message":null}"#;
    survive("status", status.as_bytes(), fuzzing::status);
    let environment = r#"{"version":1,"sessions":[{"started":"2026-01-01T00:00:00.000Z","snn_version":"0.1.0","git_revision":null,"host":"a","platform":"linux-x86_64","instruction_set":"avx2","threads":2,"command":["snn","train"]}]}"#;
    survive("environment", environment.as_bytes(), fuzzing::environment);
    let probe = r#"{"version":1,"epoch":1,"seconds":0.1,"steps":4,"dt":1.0,"threshold":1.0,"samples":[{"index":1,"label":0,"prediction":1,"input":{"spikes":{"size":2,"units":[0,1],"spikes":[[1],[2,3]]}},"hidden":[{"size":1,"units":[0],"spikes":[[1]]}],"potentials":[{"units":[0],"stride":1,"values":[[0.5,1.0]]}],"readout":{"units":[0,1],"stride":1,"values":[[0.0],[1.0]]}}],"layers":[{"rates":{"zero":1,"edges":[0.1,1.0,10.0],"counts":[1,2],"mean":0.5},"derivatives":{"zero":0,"edges":[0.1,1.0],"counts":[3],"mean":0.1}}],"update_ratios":{"W1":0.01},"confusion":[[3,1],[0,4]]}"#;
    survive("probe", probe.as_bytes(), fuzzing::probe);
    let manifest = r#"{"version":1,"name":"rates","runs":"runs","axes":[{"key":"optimizer.learning_rate","scale":"list","seed":false,"values":[0.01,0.03]}],"selection":{"best":1,"by":["optimizer.learning_rate"]},"base":{"data":{"name":"randman"}},"points":[{"id":"randman-0123456789ab","settings":{"optimizer.learning_rate":0.01}},{"id":"randman-0123456789ac","settings":{"optimizer.learning_rate":0.03},"seconds":1.5}]}"#;
    survive("manifest", manifest.as_bytes(), fuzzing::manifest);
    survive(
        "config",
        b"[data]\nname = \"randman\"\nseed = 1\n[network]\nhidden = [30, 10]\n",
        fuzzing::config,
    );
}
