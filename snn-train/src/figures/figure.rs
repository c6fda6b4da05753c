//! The figures of the paper. A new figure is a file with its `Definition`, and a row in the table below.

use serde::Serialize;

use super::{
    FigureOutput, definition::Definition, figure1, figure2, figure3, figure5, figure6, figure7, figure8,
    figure9, part::Part, reproduction::Reproduction,
};
use crate::Error;

/// Generates the enum and the definitions from the table.
macro_rules! figures {
    ($($(#[doc = $about:literal])+ $name:ident = $definition:expr;)+) => {
        /// A figure of the paper.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Figure {
            $($(#[doc = $about])+ $name,)+
        }

        impl Figure {
            /// All figures, in the order of the paper. Figure 4 is a sketch of the computation without data.
            pub const ALL: [Self; [$(stringify!($name)),+].len()] = [$(Self::$name),+];

            fn definition(self) -> &'static Definition {
                match self { $(Self::$name => &$definition,)+ }
            }
        }
    };
}

figures! {
    /// 1: smooth random manifolds.
    Manifolds = figure1::DEFINITION;
    /// 2: the true gradient and a surrogate.
    Gradient = figure2::DEFINITION;
    /// 3: the shape of the surrogate derivative.
    Shape = figure3::DEFINITION;
    /// 5: the scale of the surrogate derivative.
    Scale = figure5::DEFINITION;
    /// 6: readouts, recurrent connections and data sets.
    DataSets = figure6::DEFINITION;
    /// 7: inputs of the data sets.
    Inputs = figure7::DEFINITION;
    /// 8: activity regularization.
    Activity = figure8::DEFINITION;
    /// 9: accuracy against spikes.
    Sparseness = figure9::DEFINITION;
}

impl Figure {
    /// Its number in the paper.
    #[must_use]
    pub fn number(self) -> u8 {
        self.definition().number
    }

    /// The figure with this number; `None` if the paper has no reproducible figure with it.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|figure| figure.number() == number)
    }

    /// Its title.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.definition().title
    }

    pub(super) fn name(self) -> String {
        format!("figure{}", self.number())
    }

    /// The runs that it shows or, if the reproduction is restricted to claims, that these compare.
    pub(super) fn parts(self, reproduction: &Reproduction) -> Result<Vec<Part>, Error> {
        if let Some(parts) = reproduction.parts_of_claims(self)? {
            return Ok(parts);
        }
        Ok((self.definition().sweeps)(reproduction)?.into_iter().map(Part::from).collect())
    }

    pub(super) fn draw(self, reproduction: &Reproduction) -> Result<FigureOutput, Error> {
        (self.definition().draw)(reproduction)
    }
}
