//! `labelhook verify`: verifies the signature of a stored delivery, in any of the forms that the service sends.

use anyhow::{Context, bail};
use clap::Args;
use labelhook_core::delivery::signer::{Claim, verify};
use std::{io::Read, path::PathBuf, process::ExitCode};

#[derive(Args, Debug)]
pub struct Verify {
    /// The webhook's secret, as it was entered.
    #[arg(long, env = "LABELHOOK_SECRET", hide_env_values = true)]
    secret: String,
    /// The value of X-Hub-Signature (sha1=… or bare hex), X-Hub-Signature-256 (sha256=…) or webhook-signature (v1,…).
    #[arg(long)]
    signature: String,
    /// The value of webhook-id. Required for webhook-signature.
    #[arg(long)]
    id: Option<String>,
    /// The value of webhook-timestamp. Required for webhook-signature.
    #[arg(long)]
    timestamp: Option<String>,
    /// The file that contains the exact bytes of the body. Standard input if omitted.
    #[arg(long)]
    body: Option<PathBuf>,
}

impl Verify {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let body = self.read()?;
        let (id, timestamp) = (self.id.as_deref(), self.timestamp.as_deref());
        let Some(claim) = Claim::parse(&self.signature, id, timestamp) else {
            bail!("--signature has no form that we send, or --id and --timestamp are missing for a v1 signature");
        };
        if verify(&self.secret, &claim, &body) {
            println!("valid");
            return Ok(ExitCode::SUCCESS);
        }
        println!("invalid");
        Ok(ExitCode::FAILURE)
    }

    fn read(&self) -> anyhow::Result<Vec<u8>> {
        let mut body = Vec::new();
        match &self.body {
            Some(path) => return std::fs::read(path).with_context(|| format!("cannot read {}", path.display())),
            None => std::io::stdin()
                .read_to_end(&mut body)
                .context("cannot read standard input")?,
        };
        Ok(body)
    }
}
