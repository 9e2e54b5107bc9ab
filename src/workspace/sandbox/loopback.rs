//! Brings up the loopback device of a new network namespace, the only device there is. Layer 3.

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

/// `RTM_NEWLINK`: change a device.
const CHANGE_DEVICE: u16 = 16;

/// `NLM_F_REQUEST | NLM_F_ACK`: a request that wants an answer.
const ANSWERED_REQUEST: u16 = 5;

/// `NLMSG_ERROR`, which with error 0 is the answer "done".
const ANSWER: u16 = 2;

/// The loopback device is the first of every network namespace.
const LOOPBACK: u32 = 1;

/// `IFF_UP`.
const UP: u32 = 1;

/// Asks the kernel by netlink, since what `ioctl` needs is `unsafe`.
///
/// # Errors
/// The kernel's, and "protocol" for an answer that is none.
pub(super) fn bring_up() -> rustix::io::Result<()> {
    let route = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    rustix::net::send(&route, &request(), SendFlags::empty())?;
    let mut answer = [0_u8; 1024];
    let (_, length) = rustix::net::recv(&route, &mut answer[..], RecvFlags::empty())?;
    match error_in(&answer[..length.min(answer.len())]) {
        Some(0) => Ok(()),
        Some(error) => Err(Errno::from_raw_os_error(error.saturating_neg())),
        None => Err(Errno::PROTO),
    }
}

/// Returns a message header and the description of a device, in the byte order of this machine.
fn request() -> Vec<u8> {
    const LENGTH: u32 = 32;
    let mut all = Vec::new();
    all.extend(LENGTH.to_ne_bytes());
    all.extend(CHANGE_DEVICE.to_ne_bytes());
    all.extend(ANSWERED_REQUEST.to_ne_bytes());
    // Sequence and sender.
    all.extend([1_u32.to_ne_bytes(), 0_u32.to_ne_bytes()].concat());
    // Family, padding and type of the device: any.
    all.extend([0_u8; 4]);
    // Which one, its new flags, and which of them change.
    all.extend([LOOPBACK, UP, UP].map(u32::to_ne_bytes).concat());
    all
}

fn error_in(answer: &[u8]) -> Option<i32> {
    let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
    let error = i32::from_ne_bytes(answer.get(16..20)?.try_into().ok()?);
    (kind == ANSWER).then_some(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_as_long_as_it_says_and_an_answer_is_read_as_far_as_it_goes() {
        assert_eq!(request().len(), 32);
        let mut answer = vec![0_u8; 20];
        answer[4..6].copy_from_slice(&ANSWER.to_ne_bytes());
        answer[16..20].copy_from_slice(&(-1_i32).to_ne_bytes());
        assert_eq!(error_in(&answer), Some(-1));
        assert_eq!(error_in(&answer[..19]), None);
    }
}
