//! Queries and facets from command-line words, with hints for words that match nothing.

use std::io::{self, Write};

use btsindex::catalogue::Catalogue;
use btsindex::catalogue_query::parse_query;
use btsindex::clip::{Facet, facet};
use btsindex::error::{Error, escape};
use btsindex::index::Finder;
use btsindex::output::suggestion_lines;
use btsindex::query::Query;

use super::stdio::print_index_notice;

/// Parses words into a query. Prints a note for each word that several tags match.
pub(super) fn parse(words: &[String], catalogue: &Catalogue) -> Result<Query, Error> {
    let query = parse_query(catalogue, |context| Query::parse(words, context))?;
    for (word, tags) in query.ambiguous_tags() {
        let tags: Vec<String> = tags
            .iter()
            .map(|tag| format!("`{}`", escape(tag)))
            .collect();
        // Standard error may be closed; the search continues.
        let _ = writeln!(
            io::stderr(),
            "`{}` is ambiguous ({}): searching all of them",
            escape(&word.text),
            tags.join(", ")
        );
    }
    Ok(query)
}

/// Looks up facets by name.
///
/// # Errors
/// [`Error::Query`] for an unknown name, with the closest known one as a hint.
pub(super) fn parse_facets(names: &[String]) -> Result<Vec<Facet>, Error> {
    let lookup = |name: &String| {
        facet(name).map_err(|closest| Error::Query {
            message: format!("`{name}` is not a facet"),
            hint: match closest {
                Some(close) => format!("did you mean `{close}`?"),
                None => "facets include tag, camera, day, volume and folder; `btsindex fields` lists all fields".to_owned(),
            },
        })
    };
    names.iter().map(lookup).collect()
}

/// Prints `nothing found` and queries to try instead, to standard error.
pub(super) fn print_nothing_found(query: &Query, finder: &mut Finder<'_>) -> anyhow::Result<()> {
    writeln!(io::stderr(), "nothing found")?;
    if query.is_everything() {
        return Ok(());
    }
    let advice = finder.advise(query, &mut print_index_notice)?;
    let mut stderr = io::stderr().lock();
    for line in suggestion_lines(&advice) {
        writeln!(stderr, "{line}")?;
    }
    Ok(())
}
