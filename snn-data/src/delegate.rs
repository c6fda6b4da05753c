//! Delegation of [`Dataset`](crate::Dataset) methods to a data set inside another.

/// Within an `impl Dataset`: `delegate!(events: shape label intake)` delegates these methods to `self.events`. `shape` stands for
/// all required methods whose value is the same for every sample, and for `sample`.
macro_rules! delegate {
    ($inner:ident: $($method:ident)+) => { $($crate::delegate::method!($inner $method);)+ };
}

macro_rules! method {
    ($inner:ident shape) => {
        fn name(&self) -> &str {
            self.$inner.name()
        }

        fn len(&self) -> usize {
            self.$inner.len()
        }

        fn classes(&self) -> usize {
            self.$inner.classes()
        }

        fn inputs(&self) -> usize {
            self.$inner.inputs()
        }

        fn steps(&self) -> usize {
            self.$inner.steps()
        }

        fn dt(&self) -> f64 {
            self.$inner.dt()
        }

        fn kind(&self) -> $crate::InputKind {
            self.$inner.kind()
        }

        fn splits(&self) -> &$crate::Splits {
            self.$inner.splits()
        }

        fn sample(&self, index: usize, batch: &mut $crate::BatchBuilder) -> Result<(), $crate::Error> {
            self.$inner.sample(index, batch)
        }
    };
    ($inner:ident label) => {
        fn label(&self, index: usize) -> u16 {
            self.$inner.label(index)
        }
    };
    ($inner:ident speaker) => {
        fn speaker(&self, index: usize) -> Option<&str> {
            self.$inner.speaker(index)
        }
    };
    ($inner:ident duration) => {
        fn duration(&self, index: usize) -> Option<f64> {
            self.$inner.duration(index)
        }
    };
    ($inner:ident sample_name) => {
        fn sample_name(&self, index: usize) -> Option<std::borrow::Cow<'_, str>> {
            self.$inner.sample_name(index)
        }
    };
    ($inner:ident fingerprint) => {
        fn fingerprint(&self, index: usize) -> Option<$crate::Fingerprint> {
            self.$inner.fingerprint(index)
        }
    };
    ($inner:ident intake) => {
        fn intake(&self) -> Option<&$crate::Intake> {
            self.$inner.intake()
        }
    };
    ($inner:ident statistics) => {
        fn statistics(&self) -> Option<&$crate::ChannelStatistics> {
            self.$inner.statistics()
        }
    };
    ($inner:ident time_unit) => {
        fn time_unit(&self) -> Option<$crate::TimeUnit> {
            self.$inner.time_unit()
        }
    };
}

pub(crate) use {delegate, method};
