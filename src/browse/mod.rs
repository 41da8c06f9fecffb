//! The interactive screen of `btsindex browse`.
//!
//! `state` holds the query, the results and the current clip; `keys` maps key presses to changes of
//! the state; `view` draws it; `backend` queries the catalogue and the index; `event_loop` connects
//! them. The first three can be tested without a terminal or a catalogue.

mod backend;
mod event_loop;
mod keys;
mod line_editor;
mod posters;
mod state;
mod terminal;
mod view;

pub use event_loop::{Ending, run};
