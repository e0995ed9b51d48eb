//! What is sent, and what each answer means.
