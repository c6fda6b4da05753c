//! How much memory a run takes, and how much there is: what does not fit is refused before it is allocated.

mod estimate;
