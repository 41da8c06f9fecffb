//! Snapshots of the whole screen at several sizes.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::browse::line_editor::LineEditor;
use crate::browse::state::{FacetCounts, FacetValue};
use crate::clip::{Fact, FileCopy, FileState, Source};
use crate::index::Hits;
use crate::value::{Selection, Tags};

fn clip(name: &str, stars: u32, selection: Option<Selection>) -> Clip {
    let copy = FileCopy {
        volume: "SHELF-07".to_owned(),
        volume_number: 7,
        is_mounted: stars != 2,
        path: format!("/Volumes/SHELF-07/Day2/CLIP/{name}").into(),
        inside: format!("Day2/CLIP/{name}").into(),
        bytes: 1_000_000,
        modified: 0,
        frames: None,
        state: FileState::Present,
        companions: Vec::new(),
    };
    let fact = |value: &str| Some(Fact::new(value.to_owned(), Source::STREAM));
    Clip {
        name: fact(name),
        camera: fact("Sony ILME-FX3"),
        captured: Some(Fact::new(
            "2026-05-11T10:02:00".parse().unwrap(),
            Source::STREAM,
        )),
        duration: Some(Fact::new("12.5s".parse().unwrap(), Source::STREAM)),
        tags: Some(Fact::new(Tags::default(), Source::STREAM)),
        rating: (stars > 0).then(|| Fact::new(stars, Source::STREAM)),
        selection: selection.map(|it| Fact::new(it, Source::STREAM)),
        files: vec![copy],
        ..Clip::default()
    }
}

fn state(query: &str) -> ScreenState {
    let mut state = ScreenState::new(query);
    state.is_waiting = false;
    let clips = [
        clip("C0001.MP4", 4, Some(Selection::Selected)),
        clip(
            "日本語の長い名前です、とても長い名前です.mov",
            2,
            Some(Selection::Rejected),
        ),
        clip("line\nbreak \x1b[31m\u{202e}.mov", 0, None),
    ];
    for (number, clip) in (1..).zip(clips) {
        state.clips.insert(number, Some(clip));
    }
    state.clips.insert(4, None);
    let clips = vec![1, 2, 3, 4];
    state.set_hits(Hits { total: 4812, clips }, false);
    let values = |all: &[(&str, usize)]| {
        let values = all.iter().map(|&(value, count)| FacetValue {
            value: value.to_owned(),
            count,
        });
        values.collect::<Vec<_>>()
    };
    state.facets = vec![
        FacetCounts {
            name: "tag",
            field: "tag",
            values: values(&[("interview", 1200), ("ad shoot", 31), ("e\x1bvil", 1)]),
        },
        FacetCounts {
            name: "volume",
            field: "volume",
            values: values(&[("SHELF-07", 4812)]),
        },
    ];
    state
}

fn drawn(state: &mut ScreenState, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let plan = plan(Rect::new(0, 0, width, height), state);
    state.set_capacity(plan.across, plan.down);
    let theme = Theme { has_colour: false };
    let posters = Posters::default();
    terminal
        .draw(|frame| draw(frame, state, &posters, theme))
        .unwrap();
    terminal.backend().to_string()
}

#[test]
fn a_list_with_facets_and_the_current_clip() {
    let mut state = state("tag:interview");
    state.choose(1);
    state.show_message("2 stars");
    insta::assert_snapshot!("80x24", drawn(&mut state, 80, 24));
    insta::assert_snapshot!("100x30", drawn(&mut state, 100, 30));
    insta::assert_snapshot!("160x40", drawn(&mut state, 160, 40));
    insta::assert_snapshot!("40x10", drawn(&mut state, 40, 10));
}

#[test]
fn panels_in_front() {
    let mut state = state("");
    state.overlay = Some(Overlay::Help);
    insta::assert_snapshot!("help", drawn(&mut state, 80, 24));
    let lines = (0..60).map(|line| format!("fact {line}")).collect();
    state.overlay = Some(Overlay::Details { lines, top: 3 });
    insta::assert_snapshot!("details", drawn(&mut state, 80, 12));
    state.overlay = Some(Overlay::Input(
        InputKind::Tags,
        LineEditor::new("interview, -b-roll"),
    ));
    insta::assert_snapshot!("typing", drawn(&mut state, 80, 24));
}

#[test]
fn a_poster_grid() {
    let mut state = state("");
    state.is_grid = true;
    insta::assert_snapshot!("grid", drawn(&mut state, 110, 30));
}

#[test]
fn an_error_is_shown_with_its_hint_and_the_facets_have_the_focus() {
    let mut state = state("camara:fx3 tag:interview");
    state.focus = Focus::Facets;
    state.show_error(&crate::error::Error::Query {
        message: "no field `camara`".to_owned(),
        hint: "did you mean `camera`?".to_owned(),
    });
    insta::assert_snapshot!("error", drawn(&mut state, 80, 24));
}

#[test]
fn no_screen_size_panics() {
    for width in [1, 2, 9, 23, 24, 25, 69, 70, 71, 124, 125, 126, 300] {
        for height in [1, 2, 3, 4, 5, 9, 19, 20, 21, 60] {
            for is_grid in [false, true] {
                let mut state = state("drummer");
                state.is_grid = is_grid;
                drawn(&mut state, width, height);
                state.overlay = Some(Overlay::Help);
                drawn(&mut state, width, height);
                state.overlay = Some(Overlay::Input(InputKind::Note, LineEditor::new("日本語")));
                drawn(&mut state, width, height);
            }
        }
    }
}
