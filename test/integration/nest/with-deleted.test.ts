import { EventEmitter, once } from 'node:events';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { RequestContext } from '@mikro-orm/core';
import {
  type CallHandler,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  type INestApplication,
  Inject,
  Injectable,
  type NestInterceptor,
  Param,
  type PipeTransform,
  Res,
  Scope,
  Sse,
  StreamableFile,
  UseGuards,
} from '@nestjs/common';
import { APP_INTERCEPTOR, ExternalContextCreator } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  DeletedScope,
  InjectSoftDeleteRepository,
  SoftDeleteModule,
  SoftDeleteRepository,
  WithDeleted,
} from 'nestjs-mikro-orm-soft-delete';
import {
  catchError,
  concatWith,
  defer,
  ignoreElements,
  interval,
  map,
  mergeMap,
  NEVER,
  type Observable,
  take,
} from 'rxjs';
import type { TestDatabase } from '../../support/database.js';
import { createPeopleDatabase, mikroOrmModule, Person } from './people.js';

/** What those around the handler saw with queries of their own. */
@Injectable()
class Witness {
  readonly seen: string[] = [];
  #arrived = 0;
  #everyone!: Promise<void>;
  #proceed!: () => void;

  constructor(@InjectSoftDeleteRepository(Person) readonly people: SoftDeleteRepository<Person>) {}

  /** Makes the next two callers of `meet` wait for each other. */
  expectTwo(): void {
    this.#arrived = 0;
    this.#everyone = new Promise((resolve) => (this.#proceed = resolve));
  }

  async meet(): Promise<void> {
    this.#arrived++;
    if (this.#arrived === 2) {
      this.#proceed();
    }
    await this.#everyone;
  }

  async names(): Promise<string[]> {
    const people = await this.people.findAll({ orderBy: { id: 1 } });
    return people.map(({ name }) => name);
  }

  released = Promise.resolve();
  release: () => void = () => undefined;
  readonly left: Promise<void>[] = [];

  hold(): void {
    this.released = new Promise((resolve) => (this.release = resolve));
  }

  /** Leaves a promise, a timer and a listener behind that read when the test says so. */
  leave(who: string): void {
    const listening = once(this.bell, 'ring');
    const ticking = new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        if (this.rung) {
          clearInterval(timer);
          resolve();
        }
      }, 2);
    });
    const note = () => this.note(who);
    this.left.push(this.released.then(note), ticking.then(note), listening.then(note));
  }

  readonly bell = new EventEmitter();
  rung = false;

  /** What was left behind reads now. */
  async readLate(): Promise<string[]> {
    this.release();
    this.rung = true;
    this.bell.emit('ring');
    await Promise.all(this.left.splice(0));
    this.rung = false;
    return this.seen;
  }

  async forked(): Promise<string[]> {
    const people = await this.people
      .getEntityManager()
      .fork()
      .find(Person, {}, { orderBy: { id: 1 } });
    return people.map(({ name }) => name);
  }

  async note(who: string): Promise<void> {
    const names = await this.people
      .getEntityManager()
      .fork()
      .find(Person, {}, { orderBy: { id: 1 } });
    this.seen.push(`${who}: ${names.map(({ name }) => name).join()}`);
  }
}

@Injectable()
class NotingGuard implements CanActivate {
  constructor(@Inject(Witness) private readonly witness: Witness) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    await this.witness.note('guard');
    return context.switchToHttp().getRequest().headers['x-key'] === 'key';
  }
}

@Injectable()
class NotingInterceptor implements NestInterceptor {
  constructor(@Inject(Witness) private readonly witness: Witness) {}

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      concatWith(defer(() => this.witness.note('after')).pipe(ignoreElements())),
      mergeMap(async (value) => {
        await this.witness.note('around');
        return value;
      }),
      catchError(async (error) => {
        await this.witness.note('on error');
        throw error;
      }),
    );
  }
}

@Injectable()
class PersonPipe implements PipeTransform<string, Promise<Person | null>> {
  constructor(@Inject(Witness) private readonly witness: Witness) {}

  transform(name: string): Promise<Person | null> {
    return this.witness.people.findOne({ name });
  }
}

@Controller('people')
class PeopleController {
  constructor(@Inject(Witness) protected readonly witness: Witness) {}

  @Get()
  list() {
    return this.witness.names();
  }

  @WithDeleted()
  @Get('all')
  all() {
    return this.witness.names();
  }

  @WithDeleted({ query: 'withDeleted' })
  @Get('asked')
  asked() {
    return this.witness.names();
  }

  @Get('scoped')
  async scoped(@DeletedScope('trashed') scope: DeletedScope) {
    const people = await this.witness.people.scope(scope).findAll({ orderBy: { id: 1 } });
    return { scope, names: people.map(({ name }) => name) };
  }

  @UseGuards(NotingGuard)
  @WithDeleted()
  @Get('guarded')
  async guarded() {
    await this.witness.note('handler');
    return this.witness.names();
  }

  @WithDeleted()
  @Get('by-name/:name')
  byName(@Param('name', PersonPipe) person: Person | null) {
    return { found: person?.name ?? null };
  }

  @WithDeleted()
  @Get('failing')
  failing() {
    throw new RangeError('out of range');
  }

  @WithDeleted()
  @Get('observed')
  observed() {
    return defer(() => this.witness.names());
  }

  @WithDeleted()
  @Sse('events')
  events() {
    return interval(5).pipe(
      take(2),
      mergeMap(() => this.witness.names()),
      map((names) => ({ data: names.join() })),
    );
  }

  @WithDeleted()
  @Get('file')
  file() {
    const { people } = this.witness;
    async function* lines() {
      for await (const { name } of people
        .getEntityManager()
        .fork()
        .stream(Person, { orderBy: { id: 1 } })) {
        yield `${name}\n`;
      }
    }
    return new StreamableFile(Readable.from(lines()));
  }

  @WithDeleted()
  @Get('leaving/:what')
  leaving(@Param('what') what: string) {
    const { witness } = this;
    witness.leave('handler');
    const lines = async function* () {
      witness.leave('stream');
      yield 'first\n';
      await witness.released;
      yield `${(await witness.forked()).join()}\n`;
    };
    switch (what) {
      case 'value':
        return ['value'];
      case 'failure':
        throw new RangeError('out of range');
      case 'stream':
        return new StreamableFile(Readable.from(lines()));
      default:
        return NEVER;
    }
  }

  @WithDeleted()
  @Get('written')
  written(@Res() response: any) {
    const { witness } = this;
    const lines = async function* () {
      yield `${(await witness.forked()).join()}\n`;
      await sleep(20);
      yield `${(await witness.forked()).join()}\n`;
    };
    const raw = response.raw ?? response;
    raw.writeHead(200, { 'content-type': 'text/plain' });
    Readable.from(lines()).pipe(raw);
  }

  @WithDeleted()
  @Sse('endless')
  endless() {
    this.witness.leave('events');
    return interval(5).pipe(map(() => ({ data: 'tick' })));
  }

  @Get('waiting/active')
  async waitingActive() {
    return this.#beforeAndAfterMeeting();
  }

  @WithDeleted()
  @Get('waiting/with')
  async waitingWith() {
    return this.#beforeAndAfterMeeting();
  }

  async #beforeAndAfterMeeting() {
    const before = await this.witness.names();
    await this.witness.meet();
    return [before, await this.witness.names()];
  }
}

@WithDeleted()
@Controller('archive')
class ArchiveController extends PeopleController {
  @WithDeleted({ query: 'withDeleted' })
  @Get('asked')
  override asked() {
    return this.witness.names();
  }
}

/** Made anew for every request. */
@Controller({ path: 'per-request', scope: Scope.REQUEST })
class PerRequestController {
  constructor(@Inject(Witness) private readonly witness: Witness) {}

  @WithDeleted({ query: 'withDeleted' })
  @Get()
  list() {
    return this.witness.names();
  }
}

/** Called by messages and by GraphQL rather than by HTTP: there is no query to read. */
@Injectable()
class PeopleResolver {
  constructor(@Inject(Witness) private readonly witness: Witness) {}

  @WithDeleted()
  all() {
    return this.witness.names();
  }

  @WithDeleted({ query: 'withDeleted' })
  asked() {
    return this.witness.names();
  }

  scoped(@DeletedScope('trashed') scope: DeletedScope) {
    return scope;
  }
}

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])(`@${WithDeleted.name} over %s`, (_platform, createAdapter) => {
  let database: TestDatabase;
  let app: INestApplication;
  let url: string;
  let witness: Witness;

  beforeAll(async () => {
    database = await createPeopleDatabase();
    const module = await Test.createTestingModule({
      imports: [mikroOrmModule(database), SoftDeleteModule.forRoot(), SoftDeleteModule.forFeature([Person])],
      providers: [Witness, PeopleResolver, { provide: APP_INTERCEPTOR, useClass: NotingInterceptor }],
      controllers: [PeopleController, ArchiveController, PerRequestController],
    })
      .setLogger({ log() {}, warn() {}, error() {} })
      .compile();
    app = module.createNestApplication(createAdapter() as ExpressAdapter);
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
    witness = app.get(Witness);
  });

  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  beforeEach(() => {
    witness.seen.length = 0;
  });

  async function get(path: string, headers: Record<string, string> = {}) {
    const response = await fetch(`${url}${path}`, { headers });
    const text = await response.text();
    return { status: response.status, body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text };
  }

  it('shows deleted rows to the routes that carry it and to no other', async () => {
    expect(await get('/people/all')).toEqual({ status: 200, body: ['Ada', 'Bob'] });
    expect(await get('/people')).toEqual({ status: 200, body: ['Ada'] });
    expect(await get('/people?withDeleted=true&trashed=with')).toEqual({ status: 200, body: ['Ada'] });
  });

  it.each([
    ['', ['Ada']],
    ['?withDeleted=false', ['Ada']],
    ['?withDeleted=true', ['Ada', 'Bob']],
  ])('shows them when the request asks for them: %j', async (query, names) => {
    expect(await get(`/people/asked${query}`)).toEqual({ status: 200, body: names });
  });

  it.each(['yes', '1', 'TRUE', '', 'true&withDeleted=true'])('answers ?withDeleted=%s with 400', async (value) => {
    const { status, body } = await get(`/people/asked?withDeleted=${value}`);
    expect(status).toBe(400);
    expect(body.message).toBe('The query parameter withDeleted must be true or false.');
  });

  it('covers a controller, whose routes may say otherwise', async () => {
    expect((await get('/archive')).body).toEqual(['Ada', 'Bob']);
    expect((await get('/archive/asked')).body).toEqual(['Ada']);
    expect((await get('/archive/asked?withDeleted=true')).body).toEqual(['Ada', 'Bob']);
    expect((await get('/archive/asked?withDeleted=x')).status).toBe(400);
  });

  it('opens after the guards and closes for what is around the handler', async () => {
    expect((await get('/people/guarded', { 'x-key': 'key' })).body).toEqual(['Ada', 'Bob']);
    expect(witness.seen.slice(0, 2)).toEqual(['guard: Ada', 'handler: Ada,Bob']);
    expect(witness.seen.slice(2).sort()).toEqual(['after: Ada', 'around: Ada']);
    witness.seen.length = 0;
    expect((await get('/people/guarded')).status).toBe(403);
    expect(witness.seen).toEqual(['guard: Ada']);
  });

  it('reaches the pipes of the handler', async () => {
    expect((await get('/people/by-name/Bob')).body).toEqual({ found: 'Bob' });
  });

  it('ends with a handler that fails', async () => {
    expect((await get('/people/failing')).status).toBe(500);
    expect(witness.seen).toEqual(['on error: Ada']);
    expect((await get('/people')).body).toEqual(['Ada']);
  });

  it('holds for what is answered later: observables, server-sent events, files', async () => {
    expect((await get('/people/observed')).body).toEqual(['Ada', 'Bob']);
    expect((await get('/people/events')).body.match(/data: .*/g)).toEqual(['data: Ada,Bob', 'data: Ada,Bob']);
    expect((await get('/people/file')).body).toBe('Ada\nBob\n');
    expect((await get('/people')).body).toEqual(['Ada']);
  });

  it.each(['value', 'failure'])('closes with the answer of a handler that gives a %s', async (what) => {
    witness.hold();
    await get(`/people/leaving/${what}`);
    witness.seen.length = 0;
    expect(await witness.readLate()).toEqual(Array(3).fill('handler: Ada'));
  });

  it('closes with the end of a stream, which sees deleted rows until then', async () => {
    witness.hold();
    const response = await fetch(`${url}/people/leaving/stream`);
    const reader = response.body!.getReader();
    await reader.read();
    const late = witness.readLate();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('Ada,Bob\n');
    expect((await reader.read()).done).toBe(true);
    await late;

    witness.hold();
    await get('/people/leaving/value');
    witness.seen.length = 0;
    expect(await witness.readLate()).toEqual(Array(3).fill('handler: Ada'));
  });

  it.each(['/people/leaving/stream', '/people/endless'])('closes when the client of %s goes away', async (path) => {
    witness.hold();
    const controller = new AbortController();
    const response = await fetch(`${url}${path}`, { signal: controller.signal });
    await response.body!.getReader().read();
    controller.abort();
    await sleep(50);
    witness.seen.length = 0;
    const seen = await witness.readLate();
    expect(seen.length).toBeGreaterThanOrEqual(3);
    expect(seen.filter((line) => line.includes('Bob'))).toEqual([]);
  });

  it('stays open for a handler that writes its response itself', async () => {
    expect((await get('/people/written')).body).toBe('Ada,Bob\nAda,Bob\n');
  });

  it('serves controllers that are made anew for every request', async () => {
    expect((await get('/per-request')).body).toEqual(['Ada']);
    expect((await get('/per-request?withDeleted=true')).body).toEqual(['Ada', 'Bob']);
    expect((await get('/per-request?withDeleted=maybe')).status).toBe(400);
  });

  it.each(['graphql', 'rpc', 'ws'])('opens the scope for what %s calls, and asks no query there', async (type) => {
    const resolver = app.get(PeopleResolver);
    const call = (method: 'all' | 'asked' | 'scoped') => {
      const handler = app
        .get(ExternalContextCreator)
        .create(
          resolver as never,
          resolver[method] as never,
          method,
          '__routeArguments__',
          { exchangeKeyForValue: () => undefined },
          undefined,
          undefined,
          { guards: true, interceptors: true, filters: false },
          type,
        );
      const payload = { query: { withDeleted: 'maybe', trashed: 'maybe' } };
      return RequestContext.create(witness.people.getEntityManager(), () => handler(payload));
    };
    expect(await call('all')).toEqual(['Ada', 'Bob']);
    expect(await call('asked')).toEqual(['Ada']);
    expect(await call('scoped')).toBe('active');
    expect((await get('/people')).body).toEqual(['Ada']);
  });

  it('keeps requests at the same time apart', async () => {
    witness.expectTwo();
    const [active, all] = await Promise.all([get('/people/waiting/active'), get('/people/waiting/with')]);
    expect(active.body).toEqual([['Ada'], ['Ada']]);
    expect(all.body).toEqual([
      ['Ada', 'Bob'],
      ['Ada', 'Bob'],
    ]);
  });

  describe(`@${DeletedScope.name}`, () => {
    it.each([
      ['', 'active', ['Ada']],
      ['?trashed=active', 'active', ['Ada']],
      ['?trashed=with', 'with', ['Ada', 'Bob']],
      ['?trashed=only', 'only', ['Bob']],
    ])('reads %j', async (query, scope, names) => {
      expect((await get(`/people/scoped${query}`)).body).toEqual({ scope, names });
    });

    it.each(['all', '', 'true', 'with&trashed=only'])('answers ?trashed=%s with 400', async (value) => {
      const { status, body } = await get(`/people/scoped?trashed=${value}`);
      expect(status).toBe(400);
      expect(body.message).toBe('The query parameter trashed must be active, with or only.');
    });
  });
});
