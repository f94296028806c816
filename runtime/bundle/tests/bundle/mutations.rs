use std::thread;

use ktl_bundle::{StepId, Trust, VerifyError, open_bytes};
use proptest::prelude::*;

use crate::fixture::{signed, trust};
use crate::forge::{Forge, gzip};

/// Tries many variants of a bundle on all cores and returns those that were accepted.
fn accepted(count: usize, variant: impl Fn(usize, &mut Vec<u8>) + Sync) -> Vec<usize> {
    let (bundle, trust) = (signed(), trust());
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let try_some = |worker: usize| {
        let mut accepted = Vec::new();
        for index in (worker..count).step_by(workers) {
            let mut changed = bundle.clone();
            variant(index, &mut changed);
            assert_ne!(changed, bundle);
            if open_bytes(&changed, &trust).is_ok() {
                accepted.push(index);
            }
        }
        accepted
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers)
            .map(|worker| scope.spawn(move || try_some(worker)))
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}

#[test]
fn no_bit_of_a_signed_bundle_can_be_flipped() {
    let bits = signed().len() * 8;
    assert_eq!(
        accepted(bits, |index, bundle| bundle[index / 8] ^= 1 << (index % 8)),
        Vec::<usize>::new()
    );
}

#[test]
fn no_byte_can_be_inverted_put_in_or_taken_out() {
    let bytes = signed().len();
    assert_eq!(
        accepted(bytes, |index, bundle| bundle[index] = !bundle[index]),
        Vec::<usize>::new()
    );
    let put_in = accepted(bytes, |index, bundle| {
        bundle.insert(index, u8::try_from(index % 256).unwrap())
    });
    assert_eq!(put_in, Vec::<usize>::new());
    let taken_out = accepted(bytes, |index, bundle| _ = bundle.remove(index));
    assert_eq!(taken_out, Vec::<usize>::new());
}

#[test]
fn a_truncated_bundle_says_so() {
    let bundle = signed();
    for len in (0..bundle.len()).step_by(64).chain(bundle.len() - 16..bundle.len()) {
        for trust in [trust(), Trust::none()] {
            let error: VerifyError = open_bytes(&bundle[..len], &trust).unwrap_err();
            assert_eq!(error.exit_code(), 26, "{len}: {error}");
            assert!(
                error.step() == StepId::Gzip || error.to_string().contains("truncated"),
                "{len}: {error}"
            );
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(open_bytes(&bytes, &Trust::none()).is_err());
        let gzip_header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
        prop_assert!(open_bytes(&[&gzip_header[..], &bytes].concat(), &Trust::none()).is_err());
    }

    #[test]
    fn arbitrary_parts_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
        at in any::<prop::sample::Index>(),
        part in 0..6_u8,
    ) {
        let mut forge = Forge::new();
        let splice = |whole: &[u8]| {
            let at = at.index(whole.len());
            let end = (at + bytes.len()).min(whole.len());
            [&whole[..at], &bytes, &whole[end..]].concat()
        };
        let tar = forge.tar();
        let bundle = match part {
            0 => forge.build_with_tar(&splice(&tar)),
            1 => forge.build_with_inputs(&splice(&gzip(&tar)), &tar),
            2 => forge.build_with_statement(&splice(&forge.statement_bytes())),
            3 => forge.build_with_attestation(&splice(&forge.attestation(&forge.statement_bytes()))),
            4 => {
                forge.plan = splice(&forge.plan);
                forge.build()
            }
            _ => crate::forge::stored(&splice(&forge.build())),
        };
        if let Ok(opened) = open_bytes(&bundle, &Trust::none()) {
            prop_assert_eq!(opened.plan, crate::fixture::request().plan);
        }
    }
}
