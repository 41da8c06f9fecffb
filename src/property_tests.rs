//! Configuration of property tests: a fixed seed, so that every run on every machine has the same
//! inputs. `scripts/random` runs them with fresh seeds; each failure it finds becomes a separate
//! test.
//!
//! Shared by the unit tests and those in `tests/`.

use proptest::test_runner::{Config, RngSeed};

/// Seed if the environment sets none.
const SEED: u64 = 20_260_520;

/// Returns a configuration with `cases` cases and the fixed seed; `PROPTEST_CASES` and
/// `PROPTEST_RNG_SEED` override them. Nothing is written to the source tree when a test fails.
pub(crate) fn random(cases: u32) -> Config {
    let config = Config::default();
    let are_chosen = std::env::var_os("PROPTEST_CASES").is_some();
    Config {
        cases: if are_chosen { config.cases } else { cases },
        rng_seed: match config.rng_seed {
            RngSeed::Random => RngSeed::Fixed(SEED),
            chosen @ RngSeed::Fixed(_) => chosen,
        },
        failure_persistence: None,
        ..config
    }
}
