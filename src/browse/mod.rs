//! The interactive screen of `btsindex browse`.
//!
//! `state` holds the query, the results and the current clip; `keys` maps key presses to changes of the
//! state; `view` draws it; `backend` queries the catalogue and the index; `event_loop` connects them.
//! The first three depend on neither a terminal nor a catalogue, so that tests need neither.

mod backend;
mod event_loop;
mod keys;
mod line_editor;
mod posters;
mod state;
mod terminal;
mod view;

pub use event_loop::{Ending, run};
