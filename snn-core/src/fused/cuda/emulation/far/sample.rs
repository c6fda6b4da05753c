//! Whole training steps of far samples.

use super::*;

#[test]
fn training_steps_of_far_samples() {
    let forward = |at: &[Address]| LifForward {
        trace: 0,
        masks: 0,
        counts: at[0],
        recurrent: 0,
        threshold: 0.1,
        leak_mem: 0.3,
        leak_syn: 0.2,
        batch: 0,
        steps: STEPS as u32,
        units: UNITS as u32,
        words: WORDS as u32,
        framed: 0,
        immediate: 0,
    };
    let readout = |at: &[Address]| Readout {
        trace: 0,
        logits: at[1],
        d_logits: 0,
        argmax_steps: 0,
        potentials: 0,
        leak_out: 0.05,
        leak_syn: 0.2,
        start: 0.0,
        batch: 0,
        steps: STEPS as u32,
        outputs: OUTPUTS as u32,
        maximum: 1,
    };
    let loss = |at: &[Address]| CrossEntropy {
        logits: 0,
        d_logits: 0,
        labels: at[2],
        losses: at[3],
        confidence: 0.9,
        even: 0.02,
        batch: 0,
        outputs: OUTPUTS as u32,
        of_label: 0.92,
        of_others: 0.02,
        scale: -1.0,
        padding: 0,
    };
    let activity = |at: &[Address]| Activity {
        counts: 0,
        d_counts: 0,
        penalties: at[4],
        lower_strength: 0.1,
        lower_threshold: 2.0,
        upper_strength: 0.2,
        upper_threshold: 0.5,
        batch: 0,
        units: UNITS as u32,
        squared: 1,
        inverse_units: 1.0 / UNITS as f32,
        d_over: 0.3,
        d_square: 0.2,
    };
    let backward = LifBackward {
        steps: STEPS as u32,
        units: UNITS as u32,
        words: WORDS as u32,
        differentiable: 1,
        beta: 10.0,
        threshold: 0.1,
        leak_mem: 0.3,
        leak_syn: 0.2,
        ..LifBackward::default()
    };
    let arguments = |_, at: &[Address]| TrainSample {
        forward: forward(at),
        readout: readout(at),
        loss: loss(at),
        activity: activity(at),
        backward,
        weights: at[5],
        readout_weights: at[6],
        offsets: at[7],
        indices: at[8],
        frames: at[9],
        sums: at[10],
        readout_sums: at[11],
        inputs: INPUTS as u32,
        narrow_bits: 3,
    };
    let offsets: Vec<u32> = (0..=STEPS as u32).map(|row| 3 * row).collect();
    let indices: Vec<u16> = (0..3 * STEPS as u16).map(|k| 5 * k % INPUTS as u16).collect();
    let pieces = [
        floats(UNITS, SAMPLE * UNITS),
        floats(OUTPUTS, SAMPLE * OUTPUTS),
        piece(&[3u16], SAMPLE),
        doubles(1, SAMPLE),
        doubles(1, SAMPLE),
        floats(INPUTS * UNITS, 0),
        floats(UNITS * OUTPUTS, 0),
        piece(&offsets, ROW),
        piece(&indices, 0),
        floats(STEPS * INPUTS, ROW * INPUTS),
        floats(INPUTS * UNITS, SAMPLE * INPUTS * UNITS),
        floats(UNITS * OUTPUTS, SAMPLE * UNITS * OUTPUTS),
    ];
    let blocks = |far| vec![[sample_of(far), 0, 0]];
    for kernel in [&kernel::TRAIN_EVENTS, &kernel::TRAIN_FRAMES] {
        let (threads, shared) = ([64, 4], 48 << 10);
        Case { kernel, threads, shared, blocks: &blocks, arguments: &arguments }.check(&pieces);
    }
}
