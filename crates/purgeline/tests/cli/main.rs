//! The program as its users call it: its answers, its exit codes, on a real redis-server.

#![cfg(test)]

mod bad_input;
mod cancel;
mod configuration;
mod doctor;
mod inspect;
mod mending;
mod pause;
mod private_server;
mod resources;
mod support;
mod top;
mod topologies;
mod work;
