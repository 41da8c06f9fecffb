//! The screen of `btsindex browse`: what is asked and chosen (`state`), what keys do to it
//! (`keys`), how it is drawn (`view`), what the catalogue answers (`shelf`) and the loop
//! that joins them (`turns`). The first three know neither terminal nor catalogue, so that
//! they can be tested without.

mod keys;
mod line;
mod posters;
mod shelf;
mod stage;
mod state;
mod turns;
mod view;

pub use turns::{Ending, run};
