//! What queries find, each by name: the forms, their combinations and their errors, on a
//! catalogue of believable clips and on random ones.

mod clips;
mod heard;
mod limits;
mod obvious;
mod orders;
mod program;
mod random;
mod set;
mod table;

use btsindex::query::Date;

/// The day it is in these tests, a Tuesday.
const TODAY: Date = Date::constant(2025, 11, 25);
