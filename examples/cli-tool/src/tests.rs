//! Runs the command in this process: its arguments, streams and files are those of the tests.

mod mocks;

use mocks::{Ran, World};

/// Runs the command on what there is, and checks how it ended.
#[track_caller]
fn check(world: World, code: u8, stdout: &[u8], said: &str) -> Ran {
    let ran = world.run();
    assert_eq!((ran.code, ran.stderr.as_str()), (code, said));
    assert_eq!(ran.stdout, stdout);
    ran
}

#[test]
fn input_comes_in_whatever_pieces() {
    for size in [1, 2, 3, 5, 100] {
        let encode = World::with(&[]).stdin(b"any carnal pleasure", size);
        check(encode, 0, b"YW55IGNhcm5hbCBwbGVhc3VyZQ==\n", "");
        let decode = World::with(&["-d"]).stdin(b"YW55IGNhcm5h\nbCBwbGVhc3VyZQ==\n", size);
        check(decode, 0, b"any carnal pleasure", "");
    }
    check(World::with(&[]), 0, b"", "");
    check(World::with(&["-w", "4"]).stdin(b"foobar", 6), 0, b"Zm9v\nYmFy\n", "");
}

#[test]
fn a_file_is_read_and_another_written() {
    let world = World::with(&["data/in.txt", "--output", "out.b64"]).file("data/in.txt", b"foo");
    let ran = check(world, 0, b"", "");
    assert_eq!(ran.files["out.b64"], b"Zm9v\n");
    let world = World::with(&["-d", "in", "-o", "in2"])
        .file("in", b"Zm9v")
        .file("in2", b"much longer than that");
    assert_eq!(check(world, 0, b"", "").files["in2"], b"foo");
}

#[test]
fn what_goes_wrong_is_said() {
    check(
        World::with(&["nowhere"]),
        1,
        b"",
        "cli-tool: nowhere: there is no such file\n",
    );
    check(
        World::with(&["/etc/passwd"]),
        1,
        b"",
        "cli-tool: /etc/passwd: it is in no folder that was opened for this command\n",
    );
    check(
        World::with(&["--bogus"]),
        2,
        b"",
        "cli-tool: there is no option `--bogus`; --help says how it goes\n",
    );
    let invalid = World::with(&["-d"]).stdin(b"Zm9v!", 3);
    check(invalid, 1, b"foo", "cli-tool: the input is not valid base64\n");
    let cut = World::with(&["-d"]).stdin(b"Zm9vZ", 3);
    check(cut, 1, b"foo", "cli-tool: the input is not valid base64\n");
}

#[test]
fn errors_of_the_streams_are_said() {
    let broken = World::with(&[]).stdin(b"foo", 3).failing_stdin();
    check(broken, 1, b"Zm9v\n", "cli-tool: standard input: Io\n");
    let closed = World::with(&[]).stdin(&[0; 1 << 20], 1 << 14).closed_stdout();
    check(closed, 1, b"", "cli-tool: standard output: Pipe\n");
}

#[test]
fn help_is_no_error() {
    let ran = World::with(&["--help"]).run();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(ran.stdout.starts_with(b"Usage: cli-tool"));
}

#[test]
fn a_mebibyte_of_noise_comes_back() {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let noise: Vec<u8> = std::iter::repeat_with(&mut next).take(1 << 20).collect();
    let digits = World::with(&[]).stdin(&noise, 7777).run().stdout;
    assert_eq!(
        digits.len(),
        (noise.len().div_ceil(3) * 4).div_ceil(76) + noise.len().div_ceil(3) * 4
    );
    assert_eq!(World::with(&["-d"]).stdin(&digits, 10_000).run().stdout, noise);
}
