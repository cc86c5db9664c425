import type { OwnServer } from './start-server.mjs';

export declare function startStandby(
  primary: Pick<OwnServer, 'databaseDir' | 'url'>,
  settings?: Readonly<Record<string, string | number>>,
): Promise<OwnServer>;
