use log_shipper::{backoff::delay_ms, batch::split};

#[test]
fn lines_are_packed_up_to_the_limit() {
    let batches = split("aaa\nbbb\nccc\n", 8);
    assert_eq!(batches.len(), 2);
    assert_eq!((batches[0].lines.as_slice(), batches[0].bytes), (["aaa", "bbb"].as_slice(), 8));
}

#[test]
fn an_unfinished_line_waits() {
    assert_eq!(split("done\nnot yet", 100)[0].lines, ["done"]);
}

#[test]
fn waiting_has_a_cap() {
    assert_eq!((delay_ms(0), delay_ms(3), delay_ms(60)), (250, 2_000, 30_000));
}
