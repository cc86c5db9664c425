import { MikroOrmModule } from '@mikro-orm/nestjs';
import { EntityManager, type EntityName, MikroORM, PostgreSqlDriver } from '@mikro-orm/postgresql';
import {
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  Inject,
  Injectable,
  Module,
  UnauthorizedException,
  ValidationPipe,
} from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { SoftDeleteModule, type SoftDeleteModuleOptions } from 'nestjs-mikro-orm-soft-delete';
import { SoftDeleteAdminModule, type SoftDeleteAdminOptions } from 'nestjs-mikro-orm-soft-delete/admin';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { OFFICES } from './offices.js';

export const platforms: readonly (readonly [string, () => ExpressAdapter | FastifyAdapter])[] = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
];

/** What the guard needs injected. */
@Injectable()
export class Keys {
  isKnown(key: unknown): boolean {
    return key === 'the-key';
  }
}

@Module({ providers: [Keys], exports: [Keys] })
export class KeysModule {}

@Injectable()
export class KeyGuard implements CanActivate {
  constructor(
    @Inject(Keys) private readonly keys: Keys,
    @Inject(EntityManager) private readonly em: EntityManager,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>();
    if (!this.keys.isKnown(headers['x-key'])) {
      throw new UnauthorizedException();
    }
    if (headers['x-tenant']) {
      this.em.setFilterParams('tenant', { tenant: headers['x-tenant'] });
    }
    if (headers['x-schema']) {
      this.em.schema = headers['x-schema'];
    }
    return true;
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: any;
  readonly text: string;
}

/** An application with an admin page over a database of its own. */
export class AdminApp {
  private constructor(
    readonly app: INestApplication,
    readonly database: TestDatabase,
    readonly address: string,
  ) {}

  static async start(
    adapter: () => ExpressAdapter | FastifyAdapter,
    options: Partial<SoftDeleteAdminOptions> = {},
    prefix = '',
    configure: (app: INestApplication) => void = () => undefined,
    { entities = OFFICES, ...softDelete }: SoftDeleteModuleOptions & { entities?: readonly EntityName<any>[] } = {},
  ): Promise<AdminApp> {
    const database = await createTestDatabase();
    const setup = await MikroORM.init({ clientUrl: database.url, entities: [...entities] });
    await setup.schema.create();
    await setup.close();
    const module = await Test.createTestingModule({
      imports: [
        MikroOrmModule.forRoot({ driver: PostgreSqlDriver, clientUrl: database.url, entities: [...entities] }),
        SoftDeleteModule.forRoot(softDelete),
        SoftDeleteAdminModule.forRoot({ path: 'admin/deleted', guards: [KeyGuard], imports: [KeysModule], ...options }),
      ],
    }).compile();
    const app = module.createNestApplication(adapter() as ExpressAdapter, { logger: ['error'] });
    app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }));
    if (prefix) {
      app.setGlobalPrefix(prefix);
    }
    configure(app);
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as { port: number };
    return new AdminApp(app, database, `http://127.0.0.1:${port}/`);
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.database.drop();
  }

  async ask(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(this.address + path, {
      ...init,
      headers: { 'x-key': 'the-key', ...(init.headers as Record<string, string>) },
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : text };
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.ask(`admin/deleted/api/${path}`, { headers });
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.ask(`admin/deleted/api/${path}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json', 'x-soft-delete-admin': '1', ...headers },
    });
  }

  delete(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.ask(`admin/deleted/api/${path}`, {
      method: 'DELETE',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', 'x-soft-delete-admin': '1', ...headers },
    });
  }
}
