// Builds what is generated. Idempotent and quick; runs after `npm install` and `npm ci`.
