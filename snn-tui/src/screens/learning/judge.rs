//! The styles of the judgments of `snn_run::judge`.

use ratatui::style::Style;
pub(super) use snn_run::judge::{
    ADAMS_EPSILON, EXPLODING_DERIVATIVE, HEALTHY_UPDATE, Judgement, Sizes, derivatives, matrix,
};

use crate::theme::Theme;

/// The style of a judgment.
pub(super) fn style(theme: Theme, judgement: Judgement) -> Style {
    match judgement {
        Judgement::Unknown => theme.dim(),
        Judgement::Fine => theme.good(),
        Judgement::Slow | Judgement::Fast | Judgement::Thin => theme.warning(),
        Judgement::NoGradient | Judgement::Vanishing | Judgement::TooFast | Judgement::Exploding => {
            theme.bad()
        }
    }
}
