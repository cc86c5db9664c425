import { MikroORM } from '@mikro-orm/postgresql';
import { ConsoleLogger, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { Database } from './database/database.js';
import { prepareDatabase } from './database/prepare-database.js';
import { logRequest } from './http/request-logger.js';
import { type Environment, readEnvironment } from './startup/environment.js';
import { serveOpenApi } from './startup/open-api.js';
import { StartupError } from './startup/startup.error.js';
import { whatToTry } from './startup/what-to-try.js';

let database: Database | undefined;
let app: INestApplication | undefined;
let stopping = false;

async function start(environment: Environment): Promise<void> {
  database = await Database.open(environment);
  app = await NestFactory.create(AppModule.forShop({ ...environment, databaseUrl: database.url }), {
    logger: ['error', 'warn'],
    abortOnError: false,
  });
  const orm: MikroORM = app.get(MikroORM);
  await database.exclusively(() => prepareDatabase(orm));
  app.use(logRequest);
  serveOpenApi(app);
  await listen(app, environment.port);
  app.useLogger(new ConsoleLogger({ logLevels: ['error', 'warn', 'log'] }));
  const { port } = app.getHttpServer().address();
  console.log(whatToTry(`http://localhost:${port}`, environment));
  const home = database.movedFrom(environment.dataFolder);
  if (home) {
    console.log(
      `The database is kept in ${home}: PostgreSQL does not run as root, and its user cannot enter ${environment.dataFolder}.`,
    );
  }
}

async function listen(app: INestApplication, port: number): Promise<void> {
  try {
    // What Nest has to say about it comes in the line below.
    app.useLogger(false);
    await app.listen(port);
  } catch (error) {
    switch ((error as NodeJS.ErrnoException).code) {
      case 'EADDRINUSE':
        throw new StartupError(
          `Port ${port} is taken, perhaps by another copy of this app. Stop that one, or choose another port: PORT=${port + 1} npm start`,
        );
      case 'EACCES':
        throw new StartupError(`Port ${port} is not allowed to this user. Choose another one: PORT=3000 npm start`);
      default:
        throw error;
    }
  }
}

/** Answers what was asked already, lets the purge finish its batch, closes the database. */
async function stop(): Promise<void> {
  await app?.close();
  await database?.close();
  database = undefined;
}

function fail(error: unknown): void {
  console.error(error instanceof StartupError ? error.message : error);
  process.exitCode = 1;
}

// Whatever ends the process, its database server ends with it.
process.once('exit', () => database?.closeNow());

const started = Promise.resolve().then(() => start(readEnvironment(process.env, process.argv.slice(2))));

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (stopping) {
      // Asked twice: at once.
      process.exit(1);
    }
    stopping = true;
    setTimeout(() => process.exit(1), 15_000).unref();
    void started
      .catch(() => undefined)
      .then(stop)
      .catch(fail)
      .finally(() => process.exit());
  });
}

try {
  await started;
} catch (error) {
  fail(error);
  await stop().catch(fail);
  process.exit();
}
