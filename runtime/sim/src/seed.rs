//! Everything that looks random: hashes of the seed and of what is being named, so that no draw depends on another.

use std::time::Duration;

/// The letters Kubernetes uses in generated names.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// A source of repeatable draws.
#[derive(Clone, Copy, Debug)]
pub struct Seed(pub u64);

impl Seed {
    /// 64 bits that depend on the seed and `parts` alone.
    pub fn draw(&self, parts: &[&str]) -> u64 {
        let mut state = self.0 ^ 0x9e37_79b9_7f4a_7c15;
        for part in parts {
            for byte in part.bytes().chain([0xff]) {
                state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
            state = mix(state);
        }
        mix(state)
    }

    /// A duration between `low` and `high`, whole milliseconds.
    pub fn between(&self, low: Duration, high: Duration, parts: &[&str]) -> Duration {
        let (low, high) = (millis(low), millis(high));
        let span = high.saturating_sub(low).saturating_add(1);
        Duration::from_millis(low + self.draw(parts) % span)
    }

    /// `length` letters as in a generated name.
    pub fn letters(&self, length: usize, parts: &[&str]) -> String {
        letters(self.draw(parts), length)
    }

    /// A version 4 UUID.
    pub fn uuid(&self, parts: &[&str]) -> String {
        let high = self.draw(parts);
        let low = mix(high ^ 0x5851_f42d_4c95_7f2d);
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff,
        )
    }
}

/// Spells `bits` with the letters of generated names.
pub fn letters(mut bits: u64, length: usize) -> String {
    let size = u64::try_from(ALPHABET.len()).unwrap_or(1);
    (0..length)
        .map(|_| {
            let index = usize::try_from(bits % size).unwrap_or(0);
            bits /= size;
            if bits == 0 {
                bits = mix(index as u64 ^ 0x2545_f491_4f6c_dd1d);
            }
            char::from(ALPHABET.get(index).copied().unwrap_or(b'b'))
        })
        .collect()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 2)
}

/// The finaliser of splitmix64.
fn mix(mut x: u64) -> u64 {
    x ^= x >> 30;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 27;
    x = x.wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
