//! Compares the cost of `btsindex scan` with other methods to get the same facts and pictures.
//!
//! All methods process the same footage and take turns, so that a slow phase of the machine affects
//! all of them. The main measure is CPU time: it includes every process that a method starts, and
//! other work on the machine hardly changes it. `benches/README.md` describes the columns.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark that fails should stop, and its result goes to the terminal"
)]

#[cfg(unix)]
mod arguments;
#[cfg(unix)]
mod measure;
#[cfg(unix)]
mod methods;
#[cfg(unix)]
mod reads;
#[cfg(unix)]
mod report;
#[cfg(unix)]
mod sets;
#[cfg(unix)]
mod tools;

#[cfg(unix)]
fn main() {
    // Cargo passes `--bench` for `cargo bench`, but not for `cargo test`, which must be quick.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let arguments =
        arguments::Arguments::parse(std::env::args().skip(1)).unwrap_or_else(|problem| {
            eprintln!("error: {problem}\n{}", arguments::usage());
            std::process::exit(2);
        });
    let tools = tools::Tools::find();
    let methods = tools.usable(&arguments.methods);
    let sets = sets::load(&arguments.sets);
    let results: Vec<_> = sets
        .iter()
        .map(|set| measure::compare(set, &methods, arguments.rounds, &tools))
        .collect();
    report::print(&results, arguments.markdown);
    if let Some(cost) = measure::empty_scan(&tools) {
        println!("\n{cost}");
    }
}

#[cfg(not(unix))]
fn main() {
    eprintln!(
        "skipped: the comparison needs the CPU time of child processes, which only Unix reports"
    );
}
