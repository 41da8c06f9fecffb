//! What was asked for, from words that were typed; and what to ask instead.

use std::io::{self, Write};

use btsindex::catalogue::Catalogue;
use btsindex::clip::{Facet, facet};
use btsindex::error::{Error, escape};
use btsindex::index::Finder;
use btsindex::output::advised;
use btsindex::query::Query;

use super::said;

/// The query that some words make.
pub(super) fn query(words: &[String], catalogue: &Catalogue) -> Result<Query, Error> {
    let query = catalogue.parse_query(|context| Query::parse(words, context))?;
    for (word, tags) in query.ambiguous_tags() {
        let tags: Vec<String> = tags
            .iter()
            .map(|tag| format!("`{}`", escape(tag)))
            .collect();
        // Nobody may be listening; the search goes on all the same.
        let _ = writeln!(
            io::stderr(),
            "`{}` may be {}; all of them are meant",
            escape(&word.text),
            tags.join(" or ")
        );
    }
    Ok(query)
}

/// Facets by their names.
pub(super) fn facets(names: &[String]) -> Result<Vec<Facet>, Error> {
    let known = |name: &String| {
        facet(name).map_err(|closest| Error::Query {
            message: format!("nothing is counted by `{name}`"),
            hint: match closest {
                Some(close) => format!("did you mean `{close}`?"),
                None => "count by tag, camera, day, volume, folder or another facet: `btsindex fields` tells which are".to_owned(),
            },
        })
    };
    names.iter().map(known).collect()
}

/// Says that nothing was found, and what could be asked instead. Nothing else is shown.
pub(super) fn say_nothing_found(query: &Query, finder: &mut Finder<'_>) -> anyhow::Result<()> {
    writeln!(io::stderr(), "nothing found")?;
    if query.is_everything() {
        return Ok(());
    }
    let advice = finder.advise(query, &mut said)?;
    let mut talk = io::stderr().lock();
    for line in advised(&advice) {
        writeln!(talk, "{line}")?;
    }
    Ok(())
}
