//! `btsindex fields`: lists the fields that queries and columns can use.

use std::io::Write;

use btsindex::clip::FIELDS;
use btsindex::output::{TextTable, json_line};
use serde_json::json;

use super::stdio::{stdout, width};
use crate::cli::{self, Exit};

pub(crate) fn run(args: &cli::FieldsArgs) -> anyhow::Result<Exit> {
    let mut out = stdout();
    if args.json {
        for field in FIELDS {
            let line = json!({
                "name": field.name,
                "type": field.kind.describe(),
                "origin": field.origin.name(),
                "aliases": field.aliases,
                "help": field.help,
            });
            writeln!(out, "{}", json_line(&line))?;
        }
    } else {
        let mut table = TextTable::new(
            &["field", "aliases", "type", "source", "description"],
            width(),
        );
        for field in FIELDS {
            table.row(&[
                field.name.to_owned(),
                field.aliases.join(", "),
                field.kind.describe(),
                field.origin.name().to_owned(),
                field.help.to_owned(),
            ]);
        }
        table.write(&mut out)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
