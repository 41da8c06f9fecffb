//! Facets: properties by which clips are counted and grouped.
//!
//! Every field marked as a facet is a facet. Two more are computed: the day and the folder.

use super::{Clip, FIELDS, Field, IndexCell};
use crate::error::closest;

/// A property by which clips are counted and grouped.
#[derive(Clone, Copy)]
pub struct Facet {
    /// Name in queries and output.
    pub name: &'static str,
    source: FacetSource,
}

#[derive(Clone, Copy)]
enum FacetSource {
    Field(&'static Field),
    Computed(fn(&Clip) -> Option<String>),
}

/// Facets that are not fields.
const COMPUTED: [Facet; 2] = [
    Facet {
        name: "day",
        source: FacetSource::Computed(Clip::day),
    },
    Facet {
        name: "folder",
        source: FacetSource::Computed(|clip| {
            let folder = &clip.path.as_ref()?.value.folder;
            (!folder.is_empty()).then(|| folder.clone())
        }),
    },
];

/// Iterates over all facets: the computed ones, then the fields in table order.
pub fn facets() -> impl Iterator<Item = Facet> {
    let fields = FIELDS
        .iter()
        .filter(|field| field.facet)
        .map(|field| Facet {
            name: field.name,
            source: FacetSource::Field(field),
        });
    COMPUTED.into_iter().chain(fields)
}

/// Returns the facet with this name or field alias.
///
/// # Errors
/// The most similar facet name; `None` if none is similar.
pub fn facet(name: &str) -> Result<Facet, Option<String>> {
    let name = name.trim().to_ascii_lowercase();
    let is_named = |facet: &Facet| match facet.source {
        _ if facet.name == name => true,
        FacetSource::Field(field) => field.aliases.contains(&name.as_str()),
        FacetSource::Computed(_) => false,
    };
    facets().find(is_named).ok_or_else(|| {
        let names: Vec<&str> = facets().map(|facet| facet.name).collect();
        closest(&name, &names).map(str::to_owned)
    })
}

impl Facet {
    /// Returns the values under which a clip is counted: none, one or several.
    #[must_use]
    pub fn values(&self, clip: &Clip) -> Vec<String> {
        match self.source {
            FacetSource::Computed(value) => value(clip).into_iter().collect(),
            // A clip may have several tags and be on several volumes.
            FacetSource::Field(field) => match (field.cells)(clip) {
                cells if cells.iter().all(|cell| matches!(cell, IndexCell::Words(_))) => {
                    let words = cells.into_iter().map(|cell| match cell {
                        IndexCell::Words(text) => text,
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
    /// Returns the day of the shoot, such as `2026-05-02`: from the ingest if known, otherwise by
    /// the camera's clock.
    #[must_use]
    pub fn day(&self) -> Option<String> {
        if let Some(date) = &self.shoot_date {
            return Some(date.value.clone());
        }
        let captured = self.captured.as_ref()?.value.civil();
        Some(captured.strftime("%Y-%m-%d").to_string())
    }
}
