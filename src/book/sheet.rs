//! A contact sheet: the clips of a book as pictures in a grid, made to be printed.

use maud::html;

use super::odd::find;
use super::page::{Clips, Part, STYLE, document, head, tools};
use super::pictures::Pictures;
use super::{Book, page};

/// How a contact sheet is laid out.
#[derive(Debug, Clone, Copy)]
pub struct Sheet {
    /// Pictures beside each other.
    pub columns: u8,
    /// Whether strips are shown instead of posters.
    pub strips: bool,
}

/// With so many columns, paper is held crosswise.
const CROSSWISE: u8 = 5;

pub(super) fn sheet(book: &Book, pictures: &[Pictures], sheet: Sheet) -> String {
    let found = find(book);
    let clips = Clips::new(book, pictures, &found);
    let part = if sheet.strips {
        Part::Strip
    } else {
        Part::Poster
    };
    let body = html! {
        (head(book, "Contact sheet"))
        main id="main" {
            section id="clips" aria-labelledby="clips-title" {
                h2.unseen id="clips-title" { "Clips" }
                (tools(&clips))
                (clips.grid(part))
            }
        }
    };
    document(&page::title(book), &style(sheet), pictures, &body)
}

/// How it looks, with its own columns: a page may say so in its style only.
fn style(sheet: Sheet) -> String {
    let paper = if sheet.columns >= CROSSWISE {
        "landscape"
    } else {
        "portrait"
    };
    format!(
        "{STYLE}.grid{{--columns:{}}}@page{{size:{paper}}}",
        sheet.columns
    )
}
