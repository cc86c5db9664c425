/**
 * The rooms of the library and which other rooms each may import from. Whatever is not listed here is a step backwards or
 * sideways. The wiring is two rooms: names and registries, which the outer rooms ask for, and the assembly, which knows
 * them all because it has to hand them to Nest.
 */
const ground = ['errors', 'options', 'events', 'metadata'];
const core = [...ground, 'filter', 'flush', 'deletion', 'schema', 'purge'];
const services = [...core, 'repository', 'install', 'doctor', 'policy'];

export const rooms: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  options: ['errors'],
  events: ['errors', 'options'],
  metadata: ['errors', 'options', 'events'],
  filter: ground,
  deletion: [...ground, 'filter'],
  schema: ground,
  flush: [...ground, 'filter', 'deletion'],
  purge: [...ground, 'schema', 'deletion'],
  repository: core,
  install: [...core, 'repository'],
  doctor: [...ground, 'filter', 'schema'],
  policy: [...ground, 'schema'],
  wiring: services,
  schedule: [...services, 'wiring'],
  http: [...services, 'wiring'],
  admin: [...services, 'wiring'],
  testing: [...services, 'wiring'],
  assembly: [...services, 'wiring', 'schedule', 'http'],
  cli: [...services, 'wiring', 'schedule', 'http', 'testing', 'assembly'],
  entry: [...services, 'wiring', 'schedule', 'http', 'admin', 'testing', 'assembly'],
};

/** Single files that live elsewhere than their folder says. */
const exceptions: Readonly<Record<string, string>> = {
  'index.ts': 'entry',
  'admin/index.ts': 'entry',
  'testing/index.ts': 'entry',
  'install-soft-delete.ts': 'install',
  'soft-delete.module.ts': 'assembly',
  'soft-delete.providers.ts': 'assembly',
  'soft-delete.bootstrap.ts': 'assembly',
  // A decorator for constructor parameters of the application: the one thing of the repository that speaks Nest.
  'repository/inject-soft-delete-repository.decorator.ts': 'wiring',
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
  return path.includes('/') ? folder! : 'wiring';
}
