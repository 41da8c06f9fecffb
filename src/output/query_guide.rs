//! `docs/query.md`, made from the tables that the program goes by, so that it is never behind.

use std::fmt::Write;

use crate::clip::{FIELDS, FieldKind, facets};
use crate::index::SortOrder;
use crate::query::{ClipState, FORMS};

const HEAD: &str = "\
# Asking for clips

<!-- Made from the program's own tables: `UPDATE_DOCS=1 cargo test --test all docs::` writes it anew. -->

`btsindex search`, `stats`, `browse` and `--query` of the commands that edit all take the same
queries. Every form in the first column can be typed in bash, zsh and PowerShell as it stands, without
quotes; the second has other ways to write it, and others like it, some of which a shell must be kept from.
`btsindex search --explain …` prints how a query was understood, and how many clips match each
part of it.

## Forms

| write | or | finds |
|---|---|---|
";

const WORDS: &str = "
All of what is written must hold. `OR` stands between two things of which one is enough, and ties
closer than what merely stands side by side: `a b OR c` is `a` and one of `b` and `c`. `NOT`, `OR`
and `AND` are operators in capitals only. Brackets group, where the shell lets them through; in any
shell, `any:` of single things says as much.

## Words

- Capitals, accents and the form of letters do not matter: `ete` finds `Été`, `strasse` `Straße`.
- Names are found whole and by their parts, cut at capitals and digits: `interview` finds
  `BTSInterview_2`, `day2` finds `Day_2`. A word with separators in it is its parts together, in
  order: `ad-shoot`.
- In what people write (folders, tags, titles, comments, notes, markers) a single English word is
  found in all its forms: `laugh` finds `laughing`. File names, reels, cameras, lenses and what
  stands in quotes or after `exact:` is taken as it is.
- Of scripts that are written without blanks (Chinese, Japanese, Korean, Thai, …) any part is found.
- `drum..` and `drum*` find what begins so; a `*` elsewhere stands for any letters of a word
  (`*0042*`), and alone between others for a whole one. `drumer~` finds words that differ in a
  letter, or in two where the word has eight or more.

## Values

- Numbers, sizes, times and dates are compared: `10..20`, `10..`, `..20`; `>`, `>=`, `<`, `<=`
  where the shell lets them through. Both ends are included.
- A size that stands alone is as exact as it is written: `size:10GB` is 9.5 to 10.5 GB. A running
  time is half a second more or less. Rates are exact: `fps:23.976` is 24000/1001.
- A date is all of the day, month or year, by the camera's own clock; `today`, `yesterday` and
  weekdays are days here and now.
- `res:1080p` goes by lines: the shorter side, upright or not; pictures cropped wider than 1.9:1
  count as what they were cropped from. `res:4k` goes by the longer side: 3840 to 4799.
- Several values with commas between them are alternatives: `camera:fx3,fx6`.
- A clip without a value matches no range of it, and is in `not:` of every one.

## Order

The best match first: what is found in a tag or a name comes before what is found in a title or a
note, that before cameras and reels, folders, and comments; what people selected or gave stars moves up,
what they rejected comes last. Equals stand as they were first seen. `--sort` takes up to four
fields, with a dash the largest, latest or last first; clips without a value come last, either way.

Sorted by: ";

/// The whole page.
#[must_use]
pub fn query_guide() -> String {
    let mut page = HEAD.to_owned();
    for (form, also, help) in FORMS {
        let also: Vec<String> = also
            .split(", ")
            .filter(|form| !form.is_empty())
            .map(code)
            .collect();
        line(&mut page, &[&code(form), &also.join(", "), help]);
    }
    page.push_str(WORDS);
    let names: Vec<String> = SortOrder::names().into_iter().map(code).collect();
    page.push_str(&names.join(", "));
    page.push_str(".\n\n## `is:`\n\n| write | finds clips of which |\n|---|---|\n");
    for state in ClipState::ALL {
        line(
            &mut page,
            &[&code(&format!("is:{}", state.name())), state.help()],
        );
    }
    page.push_str("\n## Counted and grouped by\n\n`--facets`, `--group` and `stats --by` take ");
    let facets: Vec<String> = facets().map(|facet| code(facet.name)).collect();
    page.push_str(&facets.join(", "));
    page.push_str(
        ".\n\n## Fields\n\nWords alone look into the fields with a weight. A name may be followed by \
         a value, `has:NAME` asks for any.\n\n| field | also | takes | weight | what it is |\n|---|---|---|---|---|\n",
    );
    for field in FIELDS {
        let also: Vec<String> = field.aliases.iter().copied().map(code).collect();
        let takes = match field.kind {
            FieldKind::Words if field.prose => "words, in any form".to_owned(),
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
        line(
            &mut page,
            &[
                &code(field.name),
                &also.join(", "),
                &takes,
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

fn line(page: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    // Writing to a string cannot fail.
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}
