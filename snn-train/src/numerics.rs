//! Errors of `snn-core` in terms of experiment keys: the library names its own fields, users know the keys.

use snn_core::{Error, Settings};

/// The error, with the key to change if there is one.
pub(crate) fn in_keys(error: &Error) -> String {
    match error {
        Error::Setting { of, field, value, expected } => match key(*of, field) {
            Some(key) => format!("`{key}` is {value}, but must be {expected}"),
            None => error.to_string(),
        },
        Error::HostOnly { .. } => format!("{error} (optimizer.name)"),
        Error::DeviceMemory(_) => format!("{error}; the size of a batch is training.batch_size"),
        _ => error.to_string(),
    }
}

/// The key that sets a field of the library. The sizes of input and readout are determined by the data set, and have none.
fn key(of: Settings, field: &str) -> Option<String> {
    // An indexed field: `tau_mem[1]`, `hidden[0].units`.
    let name = field.split('[').next().unwrap_or(field);
    let key = match (of, name) {
        (Settings::Network, "inputs" | "outputs") => return None,
        (Settings::Network, "dt") => "data.dt",
        (Settings::Network, "readout_start") => "readout.start",
        (Settings::Network, "hidden") => "network.hidden",
        (Settings::Network, _) => return Some(format!("network.{field}")),
        (Settings::Gains, _) => return Some(format!("initialization.{field}_gain")),
        (Settings::Schedule, "decay") => "optimizer.learning_rate_decay",
        (Settings::Gradients, "limit") => "training.clip_norm",
        (
            Settings::Surrogate
            | Settings::Initialization
            | Settings::Regularizer
            | Settings::Loss
            | Settings::Optimizer
            | Settings::Schedule,
            _,
        ) => return Some(format!("{of}.{field}")),
        _ => return None,
    };
    Some(key.to_owned())
}

#[cfg(test)]
mod tests {
    use snn_core::{
        Cpu, Events, FluctuationDriven, Gains, InitialWeights, Initialization, Input, Layer,
        LossFunction as _, LossKind, LossSettings, Network, NetworkConfig, OptimizerKind, OptimizerSettings,
        Regularizer, ScheduleKind, ScheduleSettings, Surrogate, TimeConstant,
    };

    use super::*;
    use crate::experiment::keys;

    #[test]
    fn every_error_names_an_existing_key() {
        let good = NetworkConfig { hidden: vec![Layer::feed_forward(3)], ..NetworkConfig::new(2, 4) };
        let network = |spoil: &dyn Fn(&mut NetworkConfig)| {
            let mut config = good.clone();
            spoil(&mut config);
            config.validate().unwrap_err()
        };
        let optimizer = |kind: OptimizerKind, spoil: &dyn Fn(&mut OptimizerSettings)| {
            let fitted: Network = Network::new(good.clone(), Initialization::default(), 0).unwrap();
            let mut settings = OptimizerSettings::default();
            spoil(&mut settings);
            kind.fit(&settings, &fitted, None).err().unwrap()
        };
        let schedule = |spoil: &dyn Fn(&mut ScheduleSettings)| {
            let mut settings = ScheduleSettings::default();
            spoil(&mut settings);
            ScheduleKind::Cosine.build(&settings).unwrap_err()
        };
        let loss = |kind: LossKind, spoil: &dyn Fn(&mut LossSettings)| {
            let mut settings = LossSettings::default();
            spoil(&mut settings);
            kind.with(&settings).validate(&good).unwrap_err()
        };
        let regularizer = |regularizer: Regularizer| regularizer.validate().unwrap_err();
        let default = Regularizer::default();
        let initialization = Initialization::Normal { gain: 0.0 };
        let drawn: Result<Network, _> = Network::new(good.clone(), initialization, 0);
        let gains = |gains: Gains| {
            let initial = InitialWeights { gains, ..Initialization::default().into() };
            Network::<f32>::drawn(Cpu::default(), good.clone(), initial, 0).unwrap_err()
        };
        let how = FluctuationDriven::default();
        let silent: Input<f32> = Events::from_spikes(1, 4, 2, &[]).unwrap().into();
        let driven = |how: FluctuationDriven| {
            let made: Result<Network, _> =
                Network::fluctuation_driven(Cpu::default(), good.clone(), &how, Gains::default(), 0, &silent);
            made.unwrap_err()
        };
        for (error, key) in [
            (network(&|it| it.dt = 0.0), "data.dt"),
            (network(&|it| it.hidden[0].units = 0), "network.hidden"),
            (network(&|it| it.tau_mem = TimeConstant::Each(vec![-1.0])), "network.tau_mem"),
            (network(&|it| it.tau_syn = TimeConstant::Each(vec![1.0; 7])), "network.tau_syn"),
            (network(&|it| it.tau_adaptation = 0.0), "network.tau_adaptation"),
            (network(&|it| it.adaptation = -1.0), "network.adaptation"),
            (network(&|it| it.tau_readout = 0.0), "network.tau_readout"),
            (network(&|it| it.threshold = 0.0), "network.threshold"),
            (network(&|it| it.readout_start = f64::NAN), "readout.start"),
            (network(&|it| it.surrogate = Surrogate { beta: -1.0, ..it.surrogate }), "surrogate.beta"),
            (drawn.unwrap_err(), "initialization.gain"),
            (gains(Gains { input: 0.0, ..Gains::default() }), "initialization.input_gain"),
            (gains(Gains { recurrent: 0.0, ..Gains::default() }), "initialization.recurrent_gain"),
            (gains(Gains { readout: 0.0, ..Gains::default() }), "initialization.readout_gain"),
            (driven(FluctuationDriven { mean: f64::NAN, ..how }), "initialization.mean"),
            (driven(FluctuationDriven { deviation: 0.0, ..how }), "initialization.deviation"),
            (driven(FluctuationDriven { recurrent_share: 1.0, ..how }), "initialization.recurrent_share"),
            (optimizer(OptimizerKind::Adam, &|it| it.learning_rate = 0.0), "optimizer.learning_rate"),
            (optimizer(OptimizerKind::Adam, &|it| it.beta1 = 1.0), "optimizer.beta1"),
            (optimizer(OptimizerKind::AdamW, &|it| it.beta2 = 1.0), "optimizer.beta2"),
            (optimizer(OptimizerKind::AdamW, &|it| it.weight_decay = -1.0), "optimizer.weight_decay"),
            (optimizer(OptimizerKind::Smorms3, &|it| it.epsilon = 0.0), "optimizer.epsilon"),
            (optimizer(OptimizerKind::Sgd, &|it| it.momentum = 1.0), "optimizer.momentum"),
            (schedule(&|it| it.decay = 0.0), "optimizer.learning_rate_decay"),
            (schedule(&|it| it.minimum = 2.0), "schedule.minimum"),
            (schedule(&|it| it.step_epochs = 0), "schedule.step_epochs"),
            (schedule(&|it| it.cosine_epochs = 0), "schedule.cosine_epochs"),
            (loss(LossKind::CrossEntropy, &|it| it.label_smoothing = 1.0), "loss.label_smoothing"),
            (loss(LossKind::SpikeCount, &|it| it.target_count = -1.0), "loss.target_count"),
            (loss(LossKind::SpikeCount, &|it| it.other_count = -1.0), "loss.other_count"),
            (loss(LossKind::SpikeCount, &|_| ()), "network.hidden"),
            (regularizer(Regularizer { lower_strength: -1.0, ..default }), "regularizer.lower_strength"),
            (regularizer(Regularizer { lower_threshold: -1.0, ..default }), "regularizer.lower_threshold"),
            (regularizer(Regularizer { upper_strength: -1.0, ..default }), "regularizer.upper_strength"),
            (regularizer(Regularizer { upper_threshold: -1.0, ..default }), "regularizer.upper_threshold"),
            (regularizer(Regularizer { upper_norm: 3, ..default }), "regularizer.upper_norm"),
        ] {
            assert!(keys().any(|known| known.path == key), "{key}");
            let message = crate::Error::from(error).to_string();
            let said = message.split('`').nth(1).unwrap_or_default();
            assert_eq!(said.split('[').next(), Some(key), "{message}");
            assert!(message.contains(" is ") && message.contains("but must be "), "{message}");
        }
    }

    #[test]
    fn other_errors_name_the_relevant_key() {
        let host_only = crate::Error::from(Error::HostOnly { rule: "smorms3" }).to_string();
        assert!(host_only.contains("`smorms3`") && host_only.ends_with("(optimizer.name)"), "{host_only}");
        let memory = crate::Error::from(Error::DeviceMemory("..".to_owned())).to_string();
        assert!(memory.contains("no memory left") && memory.contains("training.batch_size"), "{memory}");
        let sizes = NetworkConfig::new(0, 2).validate().unwrap_err();
        assert_eq!(in_keys(&sizes), sizes.to_string(), "sizes determined by the data set have no key");
        let input = Error::Input("..".to_owned());
        assert_eq!(crate::Error::from(input.clone()).to_string(), input.to_string());
    }
}
