//! `btsindex fields`: lists the fields that queries and columns can use.

use btsindex::clip::{FIELDS, Field};
use btsindex::output::{RowColumn, RowListing};
use serde_json::json;

use super::stdio::{print, stdout};
use crate::cli::{self, Exit};

pub(crate) fn run(args: &cli::FieldsArgs) -> anyhow::Result<Exit> {
    let columns = vec![
        RowColumn::new("name", |field: &&Field| json!(field.name))
            .shown("field", |field| field.name.to_owned()),
        RowColumn::text("aliases", |field: &&Field| field.aliases.join(", ")),
        RowColumn::new("type", |field: &&Field| json!(field.kind.describe()))
            .shown("type", |field| field.kind.describe()),
        RowColumn::new("origin", |field: &&Field| json!(field.origin.name()))
            .shown("source", |field| field.origin.name().to_owned()),
        RowColumn::new("aliases", |field: &&Field| json!(field.aliases)),
        RowColumn::new("help", |field: &&Field| json!(field.help))
            .shown("description", |field| field.help.to_owned()),
    ];
    let listing = RowListing::new(columns, FIELDS.iter().map(Ok));
    print(listing, args.format.get(), &mut stdout())?;
    Ok(Exit::Done)
}
