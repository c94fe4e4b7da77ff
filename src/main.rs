//! The program: see `taskgate::cli`.

use std::process::ExitCode;

/// A request is some hundred small allocations, made on one thread and freed on another. Without huge pages: of each of
/// 2 MiB the service would use a part.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    taskgate::cli::main()
}
