//! What clips can be counted and grouped by: every field that says so, and two that are
//! made of one.

use super::{Cell, Clip, FIELDS, Field};
use crate::error::closest;

/// Something to count clips by.
#[derive(Clone, Copy)]
pub struct Facet {
    /// Its name.
    pub name: &'static str,
    from: From,
}

#[derive(Clone, Copy)]
enum From {
    Field(&'static Field),
    Made(fn(&Clip) -> Option<String>),
}

/// The facets that are no field.
const MADE: [Facet; 2] = [
    Facet {
        name: "day",
        from: From::Made(Clip::day),
    },
    Facet {
        name: "folder",
        from: From::Made(|clip| {
            let folder = &clip.path.as_ref()?.value.folder;
            (!folder.is_empty()).then(|| folder.clone())
        }),
    },
];

/// Every facet, in the order of the fields.
pub fn facets() -> impl Iterator<Item = Facet> {
    let fields = FIELDS
        .iter()
        .filter(|field| field.facet)
        .map(|field| Facet {
            name: field.name,
            from: From::Field(field),
        });
    MADE.into_iter().chain(fields)
}

/// The facet that people mean by a name, which may be a field's alias; else the nearest name.
///
/// # Errors
/// The name that is most like it, if any is.
pub fn facet(name: &str) -> Result<Facet, Option<String>> {
    let name = name.trim().to_ascii_lowercase();
    let is_meant = |facet: &Facet| match facet.from {
        _ if facet.name == name => true,
        From::Field(field) => field.aliases.contains(&name.as_str()),
        From::Made(_) => false,
    };
    facets().find(is_meant).ok_or_else(|| {
        let names: Vec<&str> = facets().map(|facet| facet.name).collect();
        closest(&name, &names).map(str::to_owned)
    })
}

impl Facet {
    /// What a clip is counted as: nothing, one value, or several.
    #[must_use]
    pub fn values(&self, clip: &Clip) -> Vec<String> {
        match self.from {
            From::Made(value) => value(clip).into_iter().collect(),
            // Several tags, several volumes.
            From::Field(field) => match (field.cells)(clip) {
                cells if cells.iter().all(|cell| matches!(cell, Cell::Words(_))) => {
                    let words = cells.into_iter().map(|cell| match cell {
                        Cell::Words(text) => text,
                        _ => String::new(),
                    });
                    words.collect()
                }
                _ => (field.text)(clip).into_iter().collect(),
            },
        }
    }
}

impl Clip {
    /// The day it was shot on: `2026-05-02`, as it was said when it was taken in, else by the camera's clock.
    #[must_use]
    pub fn day(&self) -> Option<String> {
        if let Some(said) = &self.shoot_date {
            return Some(said.value.clone());
        }
        let captured = self.captured.as_ref()?.value.civil();
        Some(captured.strftime("%Y-%m-%d").to_string())
    }
}
