//! The checks find faults, and nothing else.

use super::*;
use crate::fused::cuda::{arguments::Packed, kernel_device::DeviceBuffer};

/// `faulty.cuh`
#[repr(C)]
#[derive(Clone, Copy)]
struct Faulty {
    values: Address,
    count: u32,
    fault: u32,
}

#[expect(unsafe_code, reason = "numbers as words")]
// SAFETY: three numbers in 16 bytes.
unsafe impl Packed for Faulty {}

const FAULTY: Kernel<Faulty> = Kernel::new("faulty");

/// Two blocks of 64 threads on 128 values.
fn run(machine: &CudaEmulation, fault: u32) {
    let values = DeviceBuffer::<_, f32>::new(machine, 128).unwrap();
    let arguments = Faulty { values: values.address(), count: 128, fault };
    let launch = Launch { blocks: [2, 1, 1], threads: [64, 1], shared: 64 * 4 };
    #[expect(unsafe_code, reason = "kernels trust their arguments")]
    // SAFETY: only the fault accesses memory beyond the buffer, and the allocation has room for it.
    unsafe {
        machine.launch(&FAULTY, launch, &arguments).unwrap();
    }
}

fn complaint(fault: u32) -> String {
    let checked = CudaEmulation::default().shuffled(3).checked();
    let caught = std::panic::catch_unwind(|| run(&checked, fault));
    let message = caught.expect_err("nothing was found");
    message.downcast_ref::<String>().expect("a message").clone()
}

#[test]
fn a_sound_kernel_passes() {
    run(&CudaEmulation::default().checked(), 0);
}

#[test]
fn accesses_beyond_a_buffer_are_found() {
    let message = complaint(1);
    assert!(message.contains("`faulty`") && message.contains("writes 4 bytes in memory"), "{message}");
    let message = complaint(6);
    assert!(message.contains("reads 4 bytes on chip at 0x100"), "{message}");
}

#[test]
fn races_are_found() {
    for (fault, what) in [
        // the order decides which of the two accesses comes first
        (2, "what another has"),
        (3, "writes what another has written"),
        (5, "what another has"),
    ] {
        let message = complaint(fault);
        assert!(message.contains(what), "{message}");
    }
}

#[test]
fn barriers_at_different_lines_are_found() {
    let message = complaint(4);
    assert!(message.contains("hangs: its threads wait for different things"), "{message}");
}
