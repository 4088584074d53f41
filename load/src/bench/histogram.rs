//! Times, counted in buckets that are a little wider the longer the time: bounded memory however many there are.

use std::time::Duration;

/// Buckets for each doubling of the time: a bucket is at most 1/32 wide, so a quantile is at most about 3 % too high.
const STEPS: u64 = 1 << STEP_BITS;
const STEP_BITS: u32 = 5;
/// Enough for every number of nanoseconds: one row of steps for each number of bits.
const BUCKETS: usize = 64 << STEP_BITS;

/// How often which time was seen.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0 }
    }
}

impl Histogram {
    /// Counts a time.
    pub(crate) fn record(&mut self, time: Duration) {
        self.counts[bucket(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))] += 1;
        self.total += 1;
    }

    /// Counts what another has counted.
    pub(crate) fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
    }

    /// How many were counted.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The time that `per_thousand` of a thousand stayed below, up to the width of a bucket; zero if there are none.
    pub(crate) fn quantile(&self, per_thousand: u64) -> Duration {
        let rank = (self.total * per_thousand).div_ceil(1000).max(1);
        let mut seen = 0;
        for (n, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_nanos(upper_end(n));
            }
        }
        Duration::ZERO
    }
}

/// Times below two times [`STEPS`] have a bucket each; every doubling above has [`STEPS`] of them.
fn bucket(nanos: u64) -> usize {
    let shift = (u64::BITS - nanos.leading_zeros()).saturating_sub(STEP_BITS + 1);
    let place = u64::from(shift) * STEPS + (nanos >> shift);
    usize::try_from(place).map_or(BUCKETS - 1, |place| place.min(BUCKETS - 1))
}

/// The longest time of a bucket.
fn upper_end(bucket: usize) -> u64 {
    let place = bucket as u64;
    let shift = (place / STEPS).saturating_sub(1);
    let step = place - shift * STEPS;
    ((step + 1) << shift).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_are_added() {
        let (mut one, mut other) = (Histogram::default(), Histogram::default());
        one.record(Duration::from_nanos(10));
        other.record(Duration::from_nanos(20));
        other.record(Duration::from_nanos(30));
        one.add(&other);
        assert_eq!((one.total(), one.quantile(500)), (3, Duration::from_nanos(20)));
    }

    #[test]
    fn every_time_lies_in_its_bucket_and_buckets_are_narrow() {
        for nanos in (0..20_000).chain([1 << 20, 1 << 40, (1 << 40) + 12_345, u64::MAX - 1, u64::MAX]) {
            let place = bucket(nanos);
            let end = upper_end(place);
            assert!(nanos <= end, "{nanos} lies above the end {end} of its bucket");
            assert!(end - nanos <= nanos / STEPS, "the bucket of {nanos} ends as late as {end}");
            assert!(place == 0 || upper_end(place - 1) < nanos, "{nanos} lies in the bucket before");
        }
    }

    #[test]
    fn quantiles_of_a_thousand_milliseconds() {
        let mut histogram = Histogram::default();
        (1..=1000).for_each(|ms| histogram.record(Duration::from_millis(ms)));
        let check = |per_thousand, ms: u64| {
            let found = histogram.quantile(per_thousand).as_secs_f64() * 1e3
                / Duration::from_millis(ms).as_secs_f64()
                / 1e3;
            assert!((1.0..1.04).contains(&found), "{per_thousand}: {found} times {ms} ms");
        };
        check(500, 500);
        check(990, 990);
        check(999, 999);
        check(1000, 1000);
        assert_eq!(histogram.total(), 1000);
    }

    #[test]
    fn of_nothing_there_is_no_quantile() {
        assert_eq!(Histogram::default().quantile(500), Duration::ZERO);
    }
}
