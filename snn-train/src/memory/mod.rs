//! Required and available memory: runs that do not fit are refused before anything is allocated.

mod estimate;
