/**
 * The rooms of the library and which other rooms each may import from. Whatever is not listed here is a step backwards or
 * sideways. The wiring is two rooms: names and registries, which the outer rooms ask for, and the assembly, which knows
 * them all because it has to hand them to Nest.
 */
const ground = ['errors', 'options', 'events', 'metadata'];
const base = [...ground, 'installation'];
const core = [...base, 'orm', 'sql', 'postgres', 'filter', 'memory', 'archive', 'flush', 'deletion', 'schema', 'purge'];
const services = [...core, 'compliance', 'repository', 'install', 'doctor', 'policy'];

export const rooms: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  options: ['errors'],
  events: ['errors', 'options'],
  metadata: ['errors', 'options', 'events'],
  installation: ground,
  orm: base,
  sql: [...base, 'orm'],
  postgres: [...base, 'sql'],
  filter: [...base, 'orm'],
  memory: [...base, 'orm', 'sql'],
  schema: [...base, 'sql'],
  archive: [...base, 'orm', 'sql', 'postgres', 'filter', 'memory'],
  deletion: [...base, 'orm', 'sql', 'postgres', 'filter', 'memory', 'archive'],
  flush: [...base, 'orm', 'sql', 'postgres', 'filter', 'memory', 'archive', 'deletion'],
  purge: [...base, 'sql', 'postgres', 'schema', 'archive'],
  compliance: core,
  repository: core,
  install: [...core, 'compliance', 'repository'],
  // The doctor tells repositories of the application from ours, and both know what is said of personal data.
  doctor: [...base, 'sql', 'postgres', 'schema', 'archive', 'compliance', 'repository'],
  policy: [...base, 'schema', 'compliance'],
  wiring: services,
  schedule: [...services, 'wiring'],
  http: [...services, 'wiring'],
  admin: [...services, 'wiring', 'http'],
  testing: [...services, 'wiring'],
  assembly: [...services, 'wiring', 'schedule', 'http'],
  cli: [...services, 'wiring', 'schedule', 'http', 'testing', 'assembly'],
  entry: [...services, 'wiring', 'schedule', 'http', 'admin', 'testing', 'assembly'],
};

/** Files whose room is another than their folder's name says. */
const exceptions: Readonly<Record<string, string>> = {
  'index.ts': 'entry',
  'admin/index.ts': 'entry',
  'compliance/index.ts': 'entry',
  'testing/index.ts': 'entry',
  'install-soft-delete.ts': 'install',
  'prepare-orm.ts': 'install',
  'soft-delete.extension.ts': 'install',
  'nest/soft-delete.module.ts': 'assembly',
  'nest/soft-delete.providers.ts': 'assembly',
  'nest/soft-delete.bootstrap.ts': 'assembly',
};

export const nestRooms: readonly string[] = ['wiring', 'assembly', 'schedule', 'http', 'admin', 'cli'];
export const scheduleRoom = 'schedule';

/** The room of a file, by its path below `lib/`. */
export function roomOf(path: string): string {
  const exception = exceptions[path];
  if (exception) {
    return exception;
  }
  const [folder] = path.split('/');
  return folder === 'nest' || !path.includes('/') ? 'wiring' : folder!;
}
