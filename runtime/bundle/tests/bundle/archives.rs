use ktl_bundle::{Failure, Limits, StepId, open_bytes};

use crate::fixture::{signed, trust};
use crate::forge::{Forge, fix_checksum, gzip, header, outer, padded, refused, refused_by, stored, tar};

/// Path and body of a file.
type File<'f> = (&'f str, &'f [u8]);

/// The inner archive without its end.
fn open_end(forge: &Forge) -> Vec<u8> {
    let mut tar = forge.tar();
    tar.truncate(tar.len() - 1024);
    tar
}

/// The parts of a good bundle's outer archive.
fn parts() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let forge = Forge::new();
    let inputs = gzip(&forge.tar());
    (forge.attestation(&forge.statement_bytes()), forge.plan, inputs)
}

#[test]
fn only_plain_files() {
    for kind in (0..=u8::MAX).filter(|kind| *kind != b'0') {
        let forge = Forge::new();
        let inner = [open_end(&forge), header(b"sources/x", 0, kind).to_vec(), vec![0; 1024]].concat();
        refused(&forge.build_with_tar(&inner), StepId::Inner, Failure::Malformed);
        let mut all = tar(&[("ktl-bundle", b"ktl.bundle/v1\n")]);
        all[156] = kind;
        fix_checksum(&mut all[..512]);
        refused(&stored(&all), StepId::Magic, Failure::Malformed);
    }
}

#[test]
fn links_are_named() {
    let forge = Forge::new();
    for (kind, expected) in [
        (b'2', "a symbolic link"),
        (b'1', "a hard link"),
        (b'5', "a folder"),
        (b'x', "a PAX header"),
    ] {
        let mut link = header(b"sources/x", 0, kind);
        link[157..168].copy_from_slice(b"/etc/passwd");
        fix_checksum(&mut link);
        let inner = [open_end(&forge), link.to_vec(), vec![0; 1024]].concat();
        let error = refused(&forge.build_with_tar(&inner), StepId::Inner, Failure::Malformed);
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn every_field_of_a_header_is_as_it_is_written() {
    let forge = Forge::new();
    let good = forge.tar();
    // Each byte of the first header, with a checksum that fits again.
    for at in (0..512).filter(|at| !(148..156).contains(at)) {
        let mut inner = good.clone();
        inner[at] ^= 1;
        fix_checksum(&mut inner[..512]);
        assert!(
            open_bytes(&forge.build_with_tar(&inner), &trust()).is_err(),
            "byte {at}"
        );
    }
    // Other ways of writing the same checksum or size.
    let with = |from: usize, bytes: &[u8], fix: bool| {
        let mut inner = good.clone();
        inner[from..from + bytes.len()].copy_from_slice(bytes);
        if fix {
            fix_checksum(&mut inner[..512]);
        }
        forge.build_with_tar(&inner)
    };
    let size = usize::from_str_radix(std::str::from_utf8(&good[124..135]).unwrap(), 8).unwrap();
    let checksum = [b" ", &good[148..153], b"\0 "].concat();
    let mut binary = [0; 12];
    binary[0] = 0x80;
    binary[4..].copy_from_slice(&(size as u64).to_be_bytes());
    let forms: [(usize, Vec<u8>, bool); 7] = [
        (148, checksum, false),
        (148, b"        ".to_vec(), false),
        (124, format!("{size:011o} ").into_bytes(), true),
        (124, format!("{size:12o}").into_bytes(), true),
        (124, binary.to_vec(), true),
        (257, b"ustar  \0".to_vec(), true),
        (257, vec![0; 8], true),
    ];
    for (from, bytes, fix) in forms {
        refused(&with(from, &bytes, fix), StepId::Inner, Failure::Malformed);
    }
}

#[test]
fn sizes_that_lead_astray() {
    let forge = Forge::new();
    for size in [0, 1, 511, 513, 1 << 20, 0o77_777_777_777_u64] {
        let mut inner = forge.tar();
        inner[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
        fix_checksum(&mut inner[..512]);
        assert!(
            open_bytes(&forge.build_with_tar(&inner), &trust()).is_err(),
            "size {size}"
        );
    }
}

#[test]
fn no_two_readers_see_different_sizes() {
    // A PAX record makes some readers take the next header for a part of the body.
    let forge = Forge::new();
    let hidden = [header(b"sources/hidden", 4, b'0').to_vec(), padded(b"evil")].concat();
    let pax = b"13 size=1024\n";
    let inner = [
        open_end(&forge),
        header(b"PaxHeaders/x", pax.len(), b'x').to_vec(),
        padded(pax),
        header(b"sources/x", 4, b'0').to_vec(),
        padded(b"good"),
        hidden,
        vec![0; 1024],
    ]
    .concat();
    refused(&forge.build_with_tar(&inner), StepId::Inner, Failure::Malformed);

    let mut builder = tar::Builder::new(Vec::new());
    builder.append_pax_extensions([("path", &b"../../evil"[..])]).unwrap();
    let mut plain = tar::Header::new_ustar();
    plain.set_size(1);
    builder.append_data(&mut plain, "sources/x", &b"x"[..]).unwrap();
    refused(
        &forge.build_with_tar(&builder.into_inner().unwrap()),
        StepId::Inner,
        Failure::Malformed,
    );

    let mut builder = tar::Builder::new(Vec::new());
    let mut long = tar::Header::new_gnu();
    long.set_size(1);
    builder
        .append_data(&mut long, format!("sources/{}", "x".repeat(150)), &b"x"[..])
        .unwrap();
    refused(
        &forge.build_with_tar(&builder.into_inner().unwrap()),
        StepId::Inner,
        Failure::Malformed,
    );
}

#[test]
fn nothing_hides_in_padding() {
    let forge = Forge::new();
    let good = forge.tar();
    let size = usize::from_str_radix(std::str::from_utf8(&good[124..135]).unwrap(), 8).unwrap();
    for at in [512 + size, 1023] {
        let mut inner = good.clone();
        inner[at] = 1;
        refused(&forge.build_with_tar(&inner), StepId::Inner, Failure::Malformed);
    }
    for from_end in [1, 512, 513, 1024] {
        let mut inner = good.clone();
        let at = inner.len() - from_end;
        inner[at] = 1;
        refused(&forge.build_with_tar(&inner), StepId::Inner, Failure::Malformed);
    }
}

#[test]
fn nothing_hides_behind_the_end() {
    let forge = Forge::new();
    let good = forge.tar();
    let second = tar(&[("sources/y", b"evil")]);
    for more in [&b"x"[..], &[0], &[0; 512], &[0; 9216], &second] {
        let inner = [&good, more].concat();
        refused(&forge.build_with_tar(&inner), StepId::Inner, Failure::Malformed);
        let (attestation, plan, inputs) = parts();
        let files: [(&str, &[u8]); 4] = [
            ("ktl-bundle", b"ktl.bundle/v1\n"),
            ("attestation.json", &attestation),
            ("plan.json", &plan),
            ("inputs.tar.gz", &inputs),
        ];
        refused(&stored(&[&tar(&files), more].concat()), StepId::End, Failure::Malformed);
        // Behind the gzip file, and behind the one inside.
        refused(&[&signed(), more].concat(), StepId::End, Failure::Malformed);
        let behind = [&gzip(&good), more].concat();
        refused(
            &forge.build_with_inputs(&behind, &good),
            StepId::Inner,
            Failure::Malformed,
        );
    }
    for missing in [1, 512, 513, 1024] {
        let cut = &good[..good.len() - missing];
        refused(&forge.build_with_tar(cut), StepId::Inner, Failure::Malformed);
    }
}

#[test]
fn one_gzip_member() {
    let forge = Forge::new();
    let good = forge.tar();
    let (first, second) = good.split_at(1024);
    let two = [gzip(first), gzip(second)].concat();
    refused(&forge.build_with_inputs(&two, &good), StepId::Inner, Failure::Malformed);
    refused(&[signed(), signed()].concat(), StepId::End, Failure::Malformed);
    refused(&[signed(), stored(b"")].concat(), StepId::End, Failure::Malformed);
}

#[test]
fn gzip_headers_say_nothing() {
    let forge = Forge::new();
    let good = forge.tar();
    for at in 0..10 {
        for bit in 0..8 {
            let mut bundle = signed();
            bundle[at] ^= 1 << bit;
            refused(&bundle, StepId::Gzip, Failure::Malformed);
            let mut inputs = gzip(&good);
            inputs[at] ^= 1 << bit;
            refused(
                &forge.build_with_inputs(&inputs, &good),
                StepId::Inner,
                Failure::Malformed,
            );
        }
    }
    // A name, a comment and extra data, as real tools write them.
    for builder in [
        flate2::GzBuilder::new().filename("x"),
        flate2::GzBuilder::new().comment("x"),
        flate2::GzBuilder::new().extra("x"),
        flate2::GzBuilder::new().mtime(1),
    ] {
        let mut encoder = builder
            .operating_system(255)
            .write(Vec::new(), flate2::Compression::new(6));
        std::io::Write::write_all(&mut encoder, &good).unwrap();
        let inputs = encoder.finish().unwrap();
        refused(
            &forge.build_with_inputs(&inputs, &good),
            StepId::Inner,
            Failure::Malformed,
        );
    }
}

#[test]
fn the_outer_file_has_one_form() {
    let (attestation, plan, inputs) = parts();
    let all = tar(&[
        ("ktl-bundle", b"ktl.bundle/v1\n"),
        ("attestation.json", &attestation),
        ("plan.json", &plan),
        ("inputs.tar.gz", &inputs),
    ]);
    assert!(open_bytes(&stored(&all), &trust()).is_ok());
    let error = refused(&gzip(&all), StepId::Magic, Failure::Malformed);
    assert!(
        error.to_string().contains("is compressed or packed by another tool"),
        "{error}"
    );
    // The same contents in two blocks.
    let whole = stored(&all);
    let (head, rest) = all.split_at(512);
    let block = |last: u8, bytes: &[u8]| {
        let len = u16::try_from(bytes.len()).unwrap();
        [&[last][..], &len.to_le_bytes(), &(!len).to_le_bytes(), bytes].concat()
    };
    let trailer = &whole[whole.len() - 8..];
    let cut = [&whole[..10], &block(0, head), &block(1, rest), trailer].concat();
    refused(&cut, StepId::Magic, Failure::Malformed);
    let empty_last = [&whole[..10], &block(0, &all), &block(1, b""), trailer].concat();
    refused(&empty_last, StepId::Magic, Failure::Malformed);
}

#[test]
fn the_outer_files_are_the_signed_ones_in_their_order() {
    let (attestation, plan, inputs) = parts();
    let magic = ("ktl-bundle", &b"ktl.bundle/v1\n"[..]);
    let attestation = ("attestation.json", attestation.as_slice());
    let inputs = ("inputs.tar.gz", inputs.as_slice());
    let other = plan
        .iter()
        .map(|byte| if *byte == b'6' { b'9' } else { *byte })
        .collect::<Vec<_>>();
    assert_ne!(other, plan);
    let other = ("plan.json", other.as_slice());
    let plan = ("plan.json", plan.as_slice());
    let extra = ("extra.json", &b"{}"[..]);
    let policy = ("policy.json", &b"{\"allow\":\"all\"}"[..]);
    let upper = ("Plan.json", plan.1);
    let cases: &[(&[File<'_>], StepId, Failure)] = &[
        (&[], StepId::Magic, Failure::Malformed),
        (&[attestation, plan, inputs], StepId::Magic, Failure::Malformed),
        (&[magic, plan, inputs], StepId::Envelope, Failure::Unsigned),
        (&[magic, plan, attestation, inputs], StepId::Envelope, Failure::Unsigned),
        (&[magic], StepId::Envelope, Failure::Unsigned),
        (&[magic, attestation], StepId::Entries, Failure::Malformed),
        (&[magic, attestation, plan], StepId::Entries, Failure::Malformed),
        (&[magic, attestation, inputs, plan], StepId::Entries, Failure::Malformed),
        (
            &[magic, attestation, upper, inputs],
            StepId::Entries,
            Failure::Malformed,
        ),
        (
            &[magic, attestation, other, inputs],
            StepId::Entries,
            Failure::DigestMismatch,
        ),
        (
            &[magic, attestation, plan, other, inputs],
            StepId::Entries,
            Failure::Malformed,
        ),
        (
            &[magic, attestation, other, plan, inputs],
            StepId::Entries,
            Failure::DigestMismatch,
        ),
        (
            &[magic, attestation, plan, plan, inputs],
            StepId::Entries,
            Failure::Malformed,
        ),
        (
            &[magic, attestation, plan, upper, inputs],
            StepId::Entries,
            Failure::Malformed,
        ),
        (
            &[magic, attestation, plan, inputs, extra],
            StepId::End,
            Failure::Malformed,
        ),
        (
            &[magic, attestation, plan, inputs, policy],
            StepId::End,
            Failure::Malformed,
        ),
        (
            &[magic, attestation, plan, inputs, inputs],
            StepId::End,
            Failure::Malformed,
        ),
        (
            &[magic, attestation, attestation, plan, inputs],
            StepId::Entries,
            Failure::Malformed,
        ),
    ];
    for (files, step, failure) in cases {
        refused(&outer(files), *step, *failure);
    }
    assert!(open_bytes(&outer(&[magic, attestation, plan, inputs]), &trust()).is_ok());
    for format in [
        "ktl.bundle/v0\n",
        "ktl.bundle/v1",
        "ktl.bundle/v1\n\n",
        "ktl.bundle/v2\n",
        "",
    ] {
        let bundle = outer(&[(magic.0, format.as_bytes()), attestation, plan, inputs]);
        refused(&bundle, StepId::Magic, Failure::Malformed);
    }
}

#[test]
fn the_inner_files_are_the_planned_ones() {
    // Signed by a trusted key, with digests that fit: what is wrong is what the plan says of them.
    let change = |change: &dyn Fn(&mut Forge)| {
        let mut forge = Forge::new();
        change(&mut forge);
        forge.files.sort();
        forge.build()
    };
    let add = |path: &'static str| move |forge: &mut Forge| forge.files.push((path.to_owned(), b"x".to_vec()));
    refused(&change(&add("sources/zzz")), StepId::Plan, Failure::Malformed);
    refused(&change(&add("elsewhere/zzz")), StepId::Inner, Failure::Malformed);
    refused(&change(&add("plan.json")), StepId::Inner, Failure::Malformed);
    refused(
        &change(&add("objects/zzz.json")),
        StepId::Inner,
        Failure::DigestMismatch,
    );
    let unused = ktl_plan::Digest::of(b"{}").hex();
    let unused = |forge: &mut Forge| forge.files.push((format!("objects/{unused}.json"), b"{}".to_vec()));
    refused(&change(&unused), StepId::Plan, Failure::Malformed);
    refused(
        &change(&|forge| drop(forge.files.remove(0))),
        StepId::Plan,
        Failure::Malformed,
    );
    refused(
        &change(&|forge| drop(forge.files.pop())),
        StepId::Plan,
        Failure::DigestMismatch,
    );
    refused(
        &change(&|forge| forge.files[0].1.push(b' ')),
        StepId::Inner,
        Failure::DigestMismatch,
    );
    refused(
        &change(&|forge| forge.files.last_mut().unwrap().1.push(b' ')),
        StepId::Plan,
        Failure::DigestMismatch,
    );

    let mut forge = Forge::new();
    forge.files.reverse();
    refused(&forge.build(), StepId::Inner, Failure::Malformed);
    forge.files.reverse();
    let twice = forge.files.last().unwrap().clone();
    forge.files.push(twice);
    refused(&forge.build(), StepId::Inner, Failure::Malformed);
}

#[test]
fn what_the_statement_says_of_the_inner_archive_holds() {
    let forge = Forge::new();
    let (tar, inputs) = (forge.tar(), gzip(&forge.tar()));
    let other = [tar.clone(), vec![0; 512]].concat();
    refused(
        &forge.build_with_inputs(&inputs, &other),
        StepId::Inner,
        Failure::DigestMismatch,
    );
    let shorter = &tar[..tar.len() - 512];
    refused(
        &forge.build_with_inputs(&inputs, shorter),
        StepId::Inner,
        Failure::Limit,
    );
    let mut fewer = forge.clone();
    fewer.files.pop();
    refused(
        &fewer.build_with_inputs(&inputs, &tar),
        StepId::Inner,
        Failure::DigestMismatch,
    );
    let mut more = forge.clone();
    more.files.push((String::new(), Vec::new()));
    refused(
        &more.build_with_inputs(&inputs, &tar),
        StepId::Inner,
        Failure::DigestMismatch,
    );
}

#[test]
fn bombs() {
    let forge = Forge::new();
    let zeros = vec![0; 64 << 20];
    let bomb = [
        open_end(&forge),
        header(b"sources/zeros", zeros.len(), b'0').to_vec(),
        zeros,
        vec![0; 1024],
    ]
    .concat();
    let inputs = gzip(&bomb);
    assert!(inputs.len() < 100_000);
    let mut named = forge.clone();
    named.files.push(("sources/zeros".to_owned(), Vec::new()));
    let error = refused(&named.build_with_inputs(&inputs, &bomb), StepId::Inner, Failure::Limit);
    assert!(error.to_string().contains("times as many"), "{error}");
    // A lie about the size ends the unpacking where the lie does.
    let error = refused(
        &named.build_with_inputs(&inputs, &forge.tar()),
        StepId::Inner,
        Failure::Limit,
    );
    assert!(error.to_string().contains("unpacks to more than"), "{error}");
    let nested = gzip(&gzip(&gzip(&bomb)));
    refused(
        &forge.build_with_inputs(&nested, &forge.tar()),
        StepId::Inner,
        Failure::Malformed,
    );

    let names: Vec<String> = (0..5000).map(|index| format!("sources/z{index:05}")).collect();
    let mut many = forge.clone();
    many.files.extend(names.into_iter().map(|name| (name, Vec::new())));
    let limits = Limits {
        files: 1000,
        ..Limits::default()
    };
    refused_by(&many.build(), &trust().within(limits), StepId::Inner, Failure::Limit);
    // Fewer were promised than come.
    let tar = many.tar();
    refused(&forge.build_with_tar(&tar), StepId::Inner, Failure::DigestMismatch);

    // A header that promises much costs nothing until it is there.
    let promise = [
        header(b"ktl-bundle", 14, b'0').to_vec(),
        padded(b"ktl.bundle/v1\n"),
        header(b"attestation.json", 15 << 20, b'0').to_vec(),
    ];
    refused(&stored(&promise.concat()), StepId::Envelope, Failure::Malformed);
}
