//! What a scan costs, beside the other ways to get the same facts and pictures.
//!
//! Each way does its work on the same footage, turn by turn, so that a machine that slows down
//! slows all of them. CPU time is the measure: it counts every process that a way starts, and
//! other work on the machine hardly moves it. `benches/README.md` says what the columns mean.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark that fails should stop, and its answer goes to the terminal"
)]

#[cfg(unix)]
mod asked;
#[cfg(unix)]
mod measure;
#[cfg(unix)]
mod reads;
#[cfg(unix)]
mod report;
#[cfg(unix)]
mod sets;
#[cfg(unix)]
mod tools;
#[cfg(unix)]
mod ways;

#[cfg(unix)]
fn main() {
    // Cargo passes `--bench` for `cargo bench` and nothing for `cargo test`, which must be quick.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let asked = asked::Asked::parse(std::env::args().skip(1)).unwrap_or_else(|problem| {
        eprintln!("error: {problem}\n{}", asked::usage());
        std::process::exit(2);
    });
    let tools = tools::Tools::ready();
    let ways = tools.usable(&asked.ways);
    let sets = sets::ready(&asked.sets);
    let results: Vec<_> = sets
        .iter()
        .map(|set| measure::compare(set, &ways, asked.rounds, &tools))
        .collect();
    report::print(&results, asked.markdown);
    if let Some(start) = measure::start(&tools) {
        println!("\n{start}");
    }
}

#[cfg(not(unix))]
fn main() {
    eprintln!("the comparison counts the CPU time of child processes as Unix does: skipped");
}
