import { Controller, Delete, Get, type INestApplication, Param, Post, Query, Res, Sse } from '@nestjs/common';
import { concat, type Observable, of, throwError } from 'rxjs';
import { APP_FILTER } from '@nestjs/core';
import { NotFoundError } from '@mikro-orm/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  DeletionRestrictedError,
  InjectSoftDeleteRepository,
  RestoreConflictError,
  SoftDeleteConfigError,
  SoftDeleteExceptionFilter,
  SoftDeleteModule,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { LegalHoldError, ReasonRequiredError } from 'nestjs-mikro-orm-soft-delete/compliance';
import type { TestDatabase } from '../../support/database.js';
import { createPeopleDatabase, mikroOrmModule, Person } from './people.js';

@Controller('people')
class PeopleController {
  constructor(@InjectSoftDeleteRepository(Person) private readonly people: SoftDeleteRepository<Person>) {}

  @Get(':id')
  show(@Param('id') id: string): Promise<Person> {
    return this.people.findOneOrFail({ id: Number(id), name: { $ne: 'a secret' } });
  }

  @Get('by/hand')
  async byHand(@Res() response: any, @Query('begun') begun?: string): Promise<void> {
    response.hijack?.();
    const raw = response.raw ?? response;
    if (begun) {
      raw.writeHead(200, { 'content-type': 'text/plain' });
      raw.write('so far');
    }
    await this.people.findOneOrFail({ id: 99 });
  }

  @Sse('events/:when')
  events(@Param('when') when: string): Promise<Observable<object>> | Observable<object> {
    const failing = () => this.people.findOneOrFail({ id: 99 });
    return when === 'first'
      ? failing().then(() => of())
      : concat(
          of({ data: 'one' }),
          throwError(() => new NotFoundError('gone (secret)')),
        );
  }

  @Post(':id/restore')
  restore(@Param('id') id: string): Promise<unknown> {
    return this.people.restore(Number(id));
  }

  @Delete('restricted')
  restricted(): void {
    throw new DeletionRestrictedError('Person', [{ relation: 'Person.pets', entity: 'Pet', count: 2 }]);
  }

  @Delete('held')
  held(): void {
    throw new LegalHoldError('Person', [{ id: 7, name: 'Miller ./. Smith' }], { Person: 1, Pet: 2 });
  }

  @Delete('without-reason')
  withoutReason(): void {
    throw new ReasonRequiredError('softDelete()', "Pass { reason: '…' }.");
  }

  @Delete('large-key')
  largeKey(): void {
    throw new RestoreConflictError('Person', [
      {
        reason: 'parent-deleted',
        entity: 'Person',
        key: 9007199254740993n,
        constraint: 'Person.children',
        conflictingKey: 1n,
      },
    ]);
  }

  @Delete('misconfigured')
  misconfigured(): void {
    throw new SoftDeleteConfigError('x', 'is wrong.', 'Mend it.');
  }
}

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])(`${SoftDeleteExceptionFilter.name} on %s`, (_name, adapter) => {
  let database: TestDatabase;
  let app: INestApplication;
  let address: string;

  beforeAll(async () => {
    database = await createPeopleDatabase();
    await database.query('create unique index person_name on person (name) where deleted_at is null');
    const module = await Test.createTestingModule({
      imports: [mikroOrmModule(database), SoftDeleteModule.forRoot(), SoftDeleteModule.forFeature([Person])],
      controllers: [PeopleController],
      providers: [{ provide: APP_FILTER, useClass: SoftDeleteExceptionFilter }],
    }).compile();
    app = module.createNestApplication(adapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
    address = await app.getUrl();
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  const ask = async (method: string, path: string) => {
    const response = await fetch(`${address}/people/${path}`, { method });
    return {
      status: response.status,
      type: response.headers.get('content-type')?.split(';')[0],
      body: (await response.json()) as Record<string, unknown>,
    };
  };
  const PROBLEM = 'application/problem+json';

  it('answers a conflict of a restoration with 409 and what stands in the way', async () => {
    await database.query(`insert into person (name) values ('Bob')`);
    expect(await ask('POST', '2/restore')).toEqual({
      status: 409,
      type: PROBLEM,
      body: {
        title: 'Conflict',
        status: 409,
        code: 'RESTORE_CONFLICT',
        detail: expect.stringContaining('Person 2 has the same name as the active row 3'),
        conflicts: [
          {
            reason: 'unique',
            entity: 'Person',
            key: 2,
            constraint: 'person_name',
            properties: ['name'],
            conflictingKey: 3,
            conflictingWith: 'active',
          },
        ],
      },
    });
  });

  it('answers a restricted deletion with 409 and what is left', async () => {
    expect(await ask('DELETE', 'restricted')).toEqual({
      status: 409,
      type: PROBLEM,
      body: {
        title: 'Conflict',
        status: 409,
        code: 'DELETION_RESTRICTED',
        detail: expect.stringContaining('2 Pet rows prevent it (Person.pets)'),
        restrictions: [{ relation: 'Person.pets', entity: 'Pet', count: 2 }],
      },
    });
  });

  it('answers with 409 what a legal hold keeps, and does not say which one', async () => {
    expect(await ask('DELETE', 'held')).toEqual({
      status: 409,
      type: PROBLEM,
      body: {
        title: 'Conflict',
        status: 409,
        code: 'LEGAL_HOLD',
        detail: 'Person was not removed: a legal hold covers it.',
      },
    });
  });

  it('answers with 400 a request without the reason that is asked for', async () => {
    expect(await ask('DELETE', 'without-reason')).toMatchObject({
      status: 400,
      type: PROBLEM,
      body: { code: 'REASON_REQUIRED', detail: 'This needs a reason, and the request gives none.' },
    });
  });

  it('answers with 404 what was not found, and keeps the condition to itself', async () => {
    for (const id of [2, 99]) {
      expect(await ask('GET', `${id}`)).toEqual({
        status: 404,
        type: PROBLEM,
        body: { title: 'Not Found', status: 404, code: 'NOT_FOUND', detail: 'Person not found' },
      });
    }
  });

  it('answers where a handler answers by itself and has not begun to, and ends what has begun', async () => {
    expect(await ask('GET', 'by/hand')).toMatchObject({ status: 404, type: PROBLEM, body: { code: 'NOT_FOUND' } });
    const begun = await fetch(`${address}/people/by/hand?begun=1`);
    expect([begun.status, await begun.text()]).toEqual([200, 'so far']);
  });

  it('answers for server-sent events that have not begun, and leaves the others to Nest', async () => {
    expect(await ask('GET', 'events/first')).toMatchObject({ status: 404, type: PROBLEM, body: { code: 'NOT_FOUND' } });
    const begun = await fetch(`${address}/people/events/later`);
    const text = await begun.text();
    expect([begun.status, text]).toEqual([200, expect.stringContaining('data: one')]);
    expect(text).not.toContain('secret');
  });

  it('writes keys that JSON has no number for', async () => {
    const { status, body } = await ask('DELETE', 'large-key');
    expect([status, body['conflicts']]).toMatchObject([409, [{ key: '9007199254740993', conflictingKey: '1' }]]);
  });

  it('leaves every other error to the application', async () => {
    expect(await ask('DELETE', 'misconfigured')).toMatchObject({ status: 500, type: 'application/json' });
    expect(await ask('GET', 'a/b')).toMatchObject({ status: 404, type: 'application/json' });
  });
});

it('leaves an error as it is where nobody waits for a response of HTTP', () => {
  const error = new NotFoundError('gone');
  const host = { getType: () => 'graphql' };
  expect(() => new SoftDeleteExceptionFilter().catch(error, host as never)).toThrow(error);
});

it('ends a response that has begun', () => {
  const ended: string[] = [];
  const response = {
    once: () => undefined,
    write: () => undefined,
    writableEnded: false,
    headersSent: true,
    end: () => ended.push('ended'),
  };
  const host = { getType: () => 'http', switchToHttp: () => ({ getResponse: () => response }) };
  new SoftDeleteExceptionFilter().catch(new NotFoundError('gone'), host as never);
  expect(ended).toEqual(['ended']);
});
