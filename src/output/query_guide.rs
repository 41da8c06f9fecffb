//! Text of `docs/query.md`, generated from the program's own tables so that it is always up to date.

use std::fmt::Write;

use crate::clip::{FIELDS, FieldKind, facets};
use crate::index::SortOrder;
use crate::query::{ClipState, FORMS};

const HEAD: &str = "\
# Searching for clips

<!-- Generated from the program's own tables: `UPDATE_DOCS=1 cargo test --test all docs::` updates it. -->

`btsindex search`, `stats`, `browse` and the option `--query` of editing commands accept the same
queries. Every form in the first column can be typed in bash, zsh and PowerShell without quotes. The
second column lists alternative and similar forms, some of which must be quoted in a shell.
`btsindex search --explain …` prints how a query was parsed and how many clips match each part.

## Forms

| write | alternatives | finds |
|---|---|---|
";

const WORDS: &str = "
All parts of a query must match. With `OR`, one of two parts is enough. `OR` binds more tightly than
a space: `a b OR c` means `a` and one of `b` and `c`. `NOT`, `OR` and `AND` are operators only in
capitals. Brackets group parts, but must be quoted for the shell. For single values, `any:` does the
same without quotes.

## Words

- Case, accents and letter forms are ignored: `ete` finds `Été`, `strasse` finds `Straße`.
- Names match as a whole and by their parts, split at capitals and digits: `interview` finds
  `BTSInterview_2`, `day2` finds `Day_2`. A word with separators, such as `ad-shoot`, matches its
  parts in order.
- In prose (folders, tags, titles, comments, notes, markers), a single English word matches in all
  its forms: `laugh` finds `laughing`. File names, reels, cameras and lenses match literally, as does
  everything in quotes or after `exact:`.
- In scripts without spaces between words (Chinese, Japanese, Korean, Thai, …), any part matches.
- `drum..` and `drum*` match words with that prefix.
- A `*` elsewhere matches any letters of a word (`*0042*`). Between two words it matches one whole
  word.
- `drumer~` matches words that differ in one letter, or in two if the word has eight or more letters.

## Values

- Numbers, sizes, durations and dates can be ranges: `10..20`, `10..` or `..20`. The comparisons `>`,
  `>=`, `<` and `<=` must be quoted for the shell. Both ends of a range are included.
- A single size is as precise as it is written: `size:10GB` means 9.5 to 10.5 GB. A single duration
  matches within half a second. Rates are exact: `fps:23.976` means 24000/1001.
- A date means the whole day, month or year, by the camera's clock. `today`, `yesterday` and weekdays
  are relative to the local date.
- `res:1080p` compares the shorter side, in landscape and portrait. Pictures cropped to more than
  1.9:1 count as the format they were cropped from. `res:4k` compares the longer side: 3840 to 4799.
- Values separated by commas are alternatives: `camera:fx3,fx6`.
- A clip without a value matches no range of that field, and matches `not:` of every range.

## Order

The best match comes first. Matches in tags and names rank above matches in titles and notes, then
cameras and reels, folders, and comments. Selected and rated clips move up; rejected clips come last.
Ties are listed in the order in which the clips were first seen. `--sort` takes up to four fields; a
dash before a field reverses its order. Clips without a value come last in both directions.

Fields to sort by: ";

/// Returns the text of `docs/query.md`.
#[must_use]
pub fn query_guide() -> String {
    let mut page = HEAD.to_owned();
    for (form, also, help) in FORMS {
        let also: Vec<String> = also
            .split(", ")
            .filter(|form| !form.is_empty())
            .map(code)
            .collect();
        write_row(&mut page, &[&code(form), &also.join(", "), help]);
    }
    page.push_str(WORDS);
    let names: Vec<String> = SortOrder::names().into_iter().map(code).collect();
    page.push_str(&names.join(", "));
    page.push_str(".\n\n## `is:`\n\n| write | finds |\n|---|---|\n");
    for state in ClipState::ALL {
        write_row(
            &mut page,
            &[&code(&format!("is:{}", state.name())), state.help()],
        );
    }
    page.push_str("\n## Counting and grouping\n\n`--facets`, `--group` and `stats --by` accept ");
    let facets: Vec<String> = facets().map(|facet| code(facet.name)).collect();
    page.push_str(&facets.join(", "));
    page.push_str(
        ".\n\n## Fields\n\nPlain words are searched in the fields with a weight. `NAME:VALUE` searches one \
         field, `has:NAME` finds clips that have any value.\n\n| field | aliases | accepts | weight | description |\n|---|---|---|---|---|\n",
    );
    for field in FIELDS {
        let also: Vec<String> = field.aliases.iter().copied().map(code).collect();
        let values = match field.kind {
            FieldKind::Words if field.prose => "words, in all forms".to_owned(),
            FieldKind::Words => "words".to_owned(),
            FieldKind::Choice(all) => all.iter().copied().map(code).collect::<Vec<_>>().join(", "),
            FieldKind::Number(scale) => format!("{}: {}", scale.unit, code(scale.example)),
            FieldKind::Point => "`near:51.5,-0.12,2km`".to_owned(),
            FieldKind::Shown(_) => "nothing".to_owned(),
        };
        let weight = if field.weight > 0.0 {
            field.weight.to_string()
        } else {
            String::new()
        };
        write_row(
            &mut page,
            &[
                &code(field.name),
                &also.join(", "),
                &values,
                &weight,
                field.help,
            ],
        );
    }
    page
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn write_row(page: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    // Writing to a string cannot fail.
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}
