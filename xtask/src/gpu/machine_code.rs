//! Requirements for the machine code of our kernels, from the output of `nvdisasm -c`.

use std::collections::BTreeSet;

/// Size of the instruction cache of a multiprocessor.
const LARGEST_CODE: usize = 32 << 10;

/// Registers assumed by `places` in `snn-core/src/fused/cuda/`: with more, fewer blocks run at once than planned.
const REGISTERS: [(&str, u32); 5] = [
    ("gather_events", 40),
    ("gather_spikes", 40),
    ("project_events_on_chip", 48),
    ("lif_backward_recurrent_tile_2", 128),
    ("lif_backward_recurrent_tile_4", 128),
];

/// Required number of loads in flight, where a loop would otherwise wait for each one.
const IN_FLIGHT: [(&str, usize); 10] = [
    ("gather_spikes", 8),
    ("lif_backward", 8),
    ("lif_backward_recurrent_1", 8),
    ("lif_backward_recurrent_2", 8),
    ("lif_backward_recurrent_wide", 8),
    ("lif_forward", 8),
    ("lif_forward_recurrent", 4),
    ("sum_gradients", 16),
    ("train_events", 4),
    ("train_frames", 4),
];

/// The code of one kernel.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) kernel: String,
    pub(super) bytes: usize,
    /// Instructions that access local memory, because of spilled registers or indexed arrays.
    pub(super) local: usize,
    /// Maximum number of loads started before the first of them is needed.
    pub(super) in_flight: usize,
}

/// Parses a disassembly.
pub(super) fn read(text: &str) -> Vec<Code> {
    let mut found: Vec<Code> = Vec::new();
    let mut pending = BTreeSet::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix(".text.").and_then(|rest| rest.strip_suffix(':')) {
            found.push(Code { kernel: name.to_owned(), ..Code::default() });
            pending.clear();
        }
        let Some(code) = found.last_mut() else { continue };
        let Some((address, instruction)) = instruction(line) else { continue };
        code.bytes = address + 16;
        let (name, operands) = instruction.split_once(' ').unwrap_or((instruction, ""));
        let kind = name.split('.').next().unwrap_or_default();
        code.local += usize::from(matches!(kind, "LDL" | "STL"));
        let mut registers = registers(operands);
        if kind == "LDG" {
            // the first register is the target
            let target = registers.next();
            if registers.any(|it| pending.contains(&it)) {
                pending.clear();
            }
            pending.extend(target);
            code.in_flight = code.in_flight.max(pending.len());
        } else if registers.any(|it| pending.contains(&it)) {
            pending.clear();
        }
    }
    found.sort_by(|a, b| a.kernel.cmp(&b.kernel));
    found
}

/// Address and text of the instruction in a line, without its predicate.
fn instruction(line: &str) -> Option<(usize, &str)> {
    let (address, rest) = line.trim_start().strip_prefix("/*")?.split_once("*/")?;
    let rest = rest.trim();
    let rest = if rest.starts_with('@') { rest.split_once(' ')?.1 } else { rest };
    (!rest.is_empty()).then_some((usize::from_str_radix(address, 16).ok()?, rest.trim_start()))
}

/// Numbers of the registers in order; of a pair, the first.
fn registers(operands: &str) -> impl Iterator<Item = u32> {
    let words = operands.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter_map(|word| word.strip_prefix('R')?.parse().ok())
}

/// GPUs for which loads and code size are checked, as compute capabilities without the dot.
const LOADS_OF: [u32; 2] = [80, 90];
const CACHES_OF: [u32; 2] = [80, 90];

/// Problems of a kernel's code on a GPU of this compute capability.
pub(super) fn complaints(code: &Code, gpu: u32, registers: u32) -> Vec<String> {
    let Code { kernel, bytes, local, in_flight } = code;
    let mut wrong = Vec::new();
    if CACHES_OF.contains(&gpu) && *bytes > LARGEST_CODE {
        wrong.push(format!("{kernel}: {bytes} bytes of code, more than {LARGEST_CODE}"));
    }
    if *local > 0 {
        wrong.push(format!("{kernel}: {local} loads and stores of local memory"));
    }
    let limit = |table: &[(&str, u32)]| table.iter().find(|(name, _)| name == kernel).map(|&(_, it)| it);
    if let Some(most) = limit(&REGISTERS).filter(|&most| registers > most) {
        wrong.push(format!("{kernel}: {registers} registers, but work is partitioned for {most}"));
    }
    let least = IN_FLIGHT.iter().find(|(name, _)| name == kernel).map_or(0, |&(_, least)| least);
    if LOADS_OF.contains(&gpu) && *in_flight < least {
        wrong.push(format!("{kernel}: {in_flight} loads in flight, fewer than {least}"));
    }
    wrong.iter().map(|it| format!("sm_{gpu}, {it}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
.text.product:
        /*0000*/                   LDC R1, c[0x0][0x28] ;
        /*0010*/                   LDG.E R7, desc[UR6][R14.64] ;
        /*0020*/              @!P1 LDG.E.64 R20, desc[UR6][R16.64] ;
        /*0030*/                   FADD R3, R7, R2 ;
        /*0040*/                   LDG.E R9, desc[UR6][R14.64+0x10] ;
        /*0050*/                   STL [R1], R70 ;
.L_x_1:
.text.lif_forward:
        /*0000*/               @P0 EXIT ;
";

    #[test]
    fn code_is_read() {
        let code =
            |kernel: &str, bytes, local, in_flight| Code { kernel: kernel.into(), bytes, local, in_flight };
        assert_eq!(read(TEXT), [code("lif_forward", 16, 0, 0), code("product", 96, 1, 2)]);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let sound = Code { kernel: "gather_spikes".into(), bytes: 4096, local: 0, in_flight: 8 };
        assert_eq!(complaints(&sound, 90, 40), Vec::<String>::new());
        let bad = Code { bytes: 40_000, local: 2, in_flight: 1, ..sound };
        let told = complaints(&bad, 90, 41);
        for (told, what) in
            told.iter().zip(["40000 bytes", "2 loads and stores", "41 registers", "1 loads in flight"])
        {
            assert!(told.contains(what), "{told}");
        }
        assert_eq!(told.len(), 4);
        // nobody has said how large the caches of others are
        assert_eq!(complaints(&bad, 100, 41).len(), 2);
    }
}
