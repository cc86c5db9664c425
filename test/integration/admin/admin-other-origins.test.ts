import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CanActivate, type ExecutionContext, UnauthorizedException } from '@nestjs/common';
import type { Browser, Page } from 'playwright-core';
import { AdminApp, platforms } from './admin-app.js';
import { buildAdminPage } from '../../support/build-admin-page.js';
import { launchChromium } from '../../support/chromium.js';

/** Knows the caller by a cookie, which the browser sends along whoever asks for the request. */
class CookieGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: { cookie?: string } }>();
    if (!headers.cookie?.includes('session=admin')) {
      throw new UnauthorizedException();
    }
    return true;
  }
}

/**
 * An application that lets every origin in, and a page on another port of its host: cookies go along, `SameSite=Lax` ones too, because
 * a port is no other site. Nothing but the package stands between.
 */
describe.each(platforms)('A page of another origin, on %s', (_name, adapter) => {
  let app: AdminApp;
  let elsewhere: Server;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    buildAdminPage();
    browser = await launchChromium();
    app = await AdminApp.start(adapter, { guards: [CookieGuard], imports: [] }, '', (nest) =>
      nest.enableCors({ origin: true, credentials: true }),
    );
    elsewhere = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>Elsewhere</title>');
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
  });

  afterAll(async () => {
    elsewhere?.close();
    await app?.close();
    await browser?.close();
  });

  beforeEach(async () => {
    await app.database.query(`delete from customer;
      insert into customer (id, name, email, deleted_at) values (1, 'Ada', 'ada@example.com', now())`);
    const context = await browser.newContext();
    await context.addCookies([{ name: 'session', value: 'admin', url: app.address, sameSite: 'Lax' }]);
    page = await context.newPage();
    await page.goto(`http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`);
  });

  afterEach(() => page.context().close());

  const isDeleted = async () => {
    const rows = await app.database.query<{ deleted: boolean }>(
      'select deleted_at is not null as deleted from customer',
    );
    return rows.map(({ deleted }) => deleted);
  };
  const restore = () => `${app.address}admin/deleted/api/entities/Customer/restore`;

  /** The status, or what the browser says. */
  const post = (init: object): Promise<number | string> =>
    page.evaluate(
      ([address, options]) =>
        fetch(address as string, {
          method: 'POST',
          credentials: 'include',
          body: '{"keys":["1"]}',
          ...(options as object),
        }).then(
          ({ status }) => status,
          (error: unknown) => String(error),
        ),
      [restore(), init] as const,
    );

  it('can read with the cookie of who is signed in: the way is open', async () => {
    const status = await page.evaluate(
      (address) => fetch(address, { credentials: 'include' }).then((response) => response.status),
      `${app.address}admin/deleted/api/entities`,
    );
    expect(status).toBe(200);
  });

  it('restores nothing by a request that names every header', async () => {
    expect(await post({ headers: { 'content-type': 'application/json', 'x-soft-delete-admin': '1' } })).toBe(403);
    expect(await isDeleted()).toEqual([true]);
  });

  it('restores nothing by a request that no other origin has to ask for', async () => {
    expect(await post({ mode: 'no-cors', headers: { 'content-type': 'text/plain' } })).toBe(0);
    expect(await isDeleted()).toEqual([true]);
  });

  it('restores nothing by a form', async () => {
    await page.setContent(
      `<form method="post" enctype="text/plain" action="${restore()}"><input name='{"keys":["1"],"' value='":0}'></form>`,
    );
    const [answer] = await Promise.all([page.waitForResponse(restore()), page.evaluate('document.forms[0].submit()')]);
    expect(answer.status()).toBe(415);
    expect(await isDeleted()).toEqual([true]);
  });

  it('restores for the page itself', async () => {
    await page.goto(`${app.address}admin/deleted/api/entities`);
    expect(await post({ headers: { 'content-type': 'application/json', 'x-soft-delete-admin': '1' } })).toBe(200);
    expect(await isDeleted()).toEqual([false]);
  });
});
