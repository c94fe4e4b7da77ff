//! The file descriptors that the system lets this process have; each connection takes one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the rest of the process gets: databases, their side files, the log.
const OTHERS: u64 = 256;

/// Makes room for so many connections; answers for how many there is room. Systems start processes with a low bound
/// that they may raise themselves. Without descriptors left, the database could not be reached either, so connections
/// are refused before.
pub(super) fn room_for(connections: u32) -> u32 {
    let needed = u64::from(connections) + OTHERS;
    let Rlimit { current: Some(current), maximum } = getrlimit(Resource::Nofile) else { return connections };
    if current >= needed {
        return connections;
    }
    let raised = maximum.map_or(needed, |maximum| maximum.min(needed));
    let raise = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum });
    let allowed = raise.map_or(current, |()| raised);
    let room = u32::try_from(left(allowed)).unwrap_or(connections).min(connections);
    if room < connections {
        tracing::warn!(room, asked = connections, "the system allows fewer connections; raise its limit of open files");
    }
    room
}

/// How many of `allowed` descriptors are for connections: at least half.
fn left(allowed: u64) -> u64 {
    allowed.saturating_sub(OTHERS).max(allowed / 2).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_the_rest() {
        for (allowed, connections) in [(10_256, 10_000), (1024, 768), (512, 256), (64, 32), (1, 1)] {
            assert_eq!(left(allowed), connections, "{allowed}");
        }
    }
}
