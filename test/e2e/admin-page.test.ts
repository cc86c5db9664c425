import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launchChromium } from '../support/chromium.js';
import { adminApiKey, newDataFolder, removeDataFolder, root, Shop } from './shop.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Grace closed her account and opened another one; Frances wrote two reviews; Edsger and Barbara are due. */
const DATA = `
  delete from reviews where id > 5;
  delete from customers where id > 5;
  update customers set deleted_at = null where id in (1, 3);
  update customers set deleted_at = now() - interval '3 hours' where id = 2;
  update reviews set deleted_at = (select deleted_at from customers where id = 2) where id = 3;
  update customers set deleted_at = now() - interval '32 days' where id = 4;
  update reviews set deleted_at = (select deleted_at from customers where id = 4) where id = 5;
  update customers set deleted_at = now() - interval '31 days' where id = 5;
  insert into customers (id, email, name, deleted_at) overriding system value values
    (101, 'grace@example.com', 'Grace Hopper', null),
    (102, 'frances@example.com', 'Frances Allen', now() - interval '5 days'),
    (103, 'tony@example.com', 'Tony Hoare', now() - interval '12 days'),
    (104, 'margaret@example.com', 'Margaret Hamilton', now() - interval '20 minutes');
  insert into reviews (id, customer_id, product_id, rating, text, deleted_at) overriding system value values
    (101, 102, 1, 4, 'Optimal.', (select deleted_at from customers where id = 102)),
    (102, 102, 2, 5, 'No dead code.', (select deleted_at from customers where id = 102));`;

describe('The admin page in a browser', () => {
  let dataFolder: string;
  let shop: Shop;
  let browser: Browser;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    dataFolder = await newDataFolder();
    [shop, browser] = await Promise.all([Shop.open({ dataFolder }), launchChromium()]);
  });

  afterAll(async () => {
    await browser?.close();
    await shop?.close();
    await removeDataFolder(dataFolder);
  });

  beforeEach(async () => {
    await shop.query(DATA);
  });

  afterEach(async () => {
    const seen = complaints;
    await page.context().close();
    expect(seen).toEqual([]);
  });

  /** What the browser complains of (a violated policy among it), and every request to another host. */
  function watch(opened: Page): void {
    complaints = [];
    opened.on('pageerror', (error) => complaints.push(String(error)));
    opened.on('console', (message) => {
      // The browser reports an answer of 401, 403 or 409 as an error.
      if (message.type() === 'error' && !/the server responded with a status of 4/.test(message.text())) {
        complaints.push(message.text());
      }
    });
    opened.on('request', (request) => {
      if (!request.url().startsWith(shop.address)) {
        complaints.push(request.url());
      }
    });
  }

  async function open(options: BrowserContextOptions = {}, key = adminApiKey): Promise<void> {
    const context = await browser.newContext({ viewport: { width: 1200, height: 760 }, locale: 'en', ...options });
    page = await context.newPage();
    page.setDefaultTimeout(60_000);
    watch(page);
    await page.goto(`${shop.address}/admin/deleted`);
    await page.getByLabel('Key').fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  const labels = async () =>
    (await page.locator('tbody th').allInnerTexts()).map((label) => label.replaceAll(/\s+/g, ' '));
  const row = (name: string) => page.getByRole('row', { name });
  const dialog = () => page.getByRole('dialog');
  const shown = (text: string) => page.getByText(text).first().waitFor();
  /** Waits until a row is the first one. */
  const first = (name: string) => page.locator('tbody tr:first-child th', { hasText: name }).waitFor();
  const activeIds = async () =>
    (await shop.query('select id from customers where deleted_at is null order by id')).map(({ id }) => id);

  it('prints where it is', async () => {
    expect(shop.output).toContain(`${shop.address}/admin/deleted`);
    await open();
  });

  it('lists what is deleted, with how long ago, by whom, when it goes and what goes along', async () => {
    await shop.query(`
      insert into deletion_record (action, entity, unit, count, actor, reason)
        select 'deleted', 'Customer', deleted_at, 1, actor, reason from customers join (values
          (104, 'margaret@example.com', 'closed the account'), (2, 'grace@example.com', null),
          (102, 'support', 'duplicate'), (103, 'support', 'asked by phone')) as r (id, actor, reason) using (id);
      insert into legal_hold (name, reason, placed_by) values ('Dispute 17', 'The teapot arrived in pieces', 'admin');
      insert into legal_hold_row (hold, entity, key) select max(id), 'Customer', '["103"]' from legal_hold`);
    await open();
    await shown('Margaret Hamilton');
    expect(await labels()).toEqual([
      'Margaret Hamilton',
      'Grace Hopper',
      'Frances Allen',
      'Tony Hoare held',
      'Barbara Liskov',
      'Edsger Dijkstra',
    ]);
    const frances = await row('Frances Allen').innerText();
    expect(frances).toContain('5 days ago');
    expect(frances).toContain('in 25 days');
    expect(frances).toContain('2 more rows');
    expect(frances).toMatch(/support\s+duplicate/);
    expect(await row('Edsger Dijkstra').innerText()).toContain('due now');
    expect(await page.locator('time').first().getAttribute('title')).toMatch(/20\d\d/);
    const tabs = await page.getByRole('navigation').innerText();
    expect(tabs).toMatch(/Customer\s+6\s+2 due[^]*Order\s+0[^]*Product\s+0[^]*Review\s+4[^]*Purge/);
    mkdirSync(join(root, 'docs/images'), { recursive: true });
    await page.screenshot({ path: join(root, 'docs/images/admin.png') });
    await shop.query('update legal_hold set released_at = now(), release_reason = $$settled$$');
  });

  it('says so where nothing is deleted', async () => {
    await open();
    await page.getByRole('link', { name: 'Product' }).click();
    await shown('Nothing is deleted here');
  });

  it('says that something failed, and not that nothing is there', async () => {
    await open();
    await shown('Margaret Hamilton');
    const answers = [() => ({ status: 500, body: '{"message":"Internal server error"}' }), undefined];
    for (const [answer, text] of [
      [answers[0], 'That did not work: Internal server error'],
      [answers[1], 'The server cannot be reached.'],
    ] as const) {
      await page.route('**/rows?*', (route) => (answer ? route.fulfill(answer()) : route.abort()));
      await page.getByRole('link', { name: answer ? 'Order' : 'Product' }).click();
      await page.getByRole('alert').getByText(text).waitFor();
      expect(await page.getByText('Nothing is deleted here').count()).toBe(0);
      await page.unroute('**/rows?*');
      await page.getByRole('button', { name: 'Try again' }).click();
      await shown('Nothing is deleted here');
      expect(await page.getByRole('alert').count()).toBe(0);
    }
    complaints = [];
  });

  it('searches and sorts', async () => {
    await open();
    await shown('Margaret Hamilton');
    await page.keyboard.press('/');
    await page.keyboard.type('FRANCES@');
    await page.locator('tbody tr').nth(1).waitFor({ state: 'detached' });
    expect(await labels()).toEqual(['Frances Allen']);
    await page.getByLabel('Search').fill('nobody');
    await shown('Nothing found');
    await page.getByLabel('Search').fill('');
    await shown('Edsger Dijkstra');
    await page.getByRole('button', { name: 'Email' }).click();
    await first('Tony Hoare');
    expect(await page.locator('th[aria-sort=descending]').innerText()).toContain('Email');
    await page.getByLabel('Sort').selectOption('deletedAt');
    await first('Edsger Dijkstra');
  });

  it('shows what comes back, restores it, and undoes that', async () => {
    await open();
    await page.getByRole('button', { name: 'Restore: Frances Allen' }).click();
    await dialog().getByText('This comes back:').waitFor();
    expect(await dialog().locator('li').allInnerTexts()).toEqual(['1 Customer', '2 Review']);
    expect(await activeIds()).toEqual([1, 3, 101]);
    await dialog().getByRole('button', { name: 'Restore' }).click();
    await shown('3 rows restored');
    expect(await activeIds()).toEqual([1, 3, 101, 102]);
    await row('Frances Allen').waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'Undo' }).click();
    await shown('3 rows deleted again');
    await row('Frances Allen').waitFor();
    expect(await activeIds()).toEqual([1, 3, 101]);
  });

  it.each(['', 'Restore'])('moves no button while the details of a row arrive (%s)', async (action) => {
    await open();
    let answer = () => {};
    const asked = new Promise<void>((resolve) => (answer = resolve));
    await page.route(/\/rows\/|\/restore$/, async (route) => {
      await asked;
      await route.continue();
    });
    await (
      action
        ? row('Frances Allen').getByRole('button', { name: action })
        : row('Frances Allen').getByRole('button').first()
    ).click();
    const button = dialog().getByRole('button', { name: 'Restore', exact: true });
    const before = await button.boundingBox();
    answer();
    await dialog().getByText('Review').first().waitFor();
    expect(await button.boundingBox()).toEqual(before);
    expect(before!.y + before!.height).toBeLessThan(760);
  });

  it('says what is in the way of a restoration', async () => {
    await open();
    await page.getByRole('button', { name: 'Restore: Grace Hopper' }).click();
    await dialog().getByText('Customer 2: the email is in use by the active Customer 101.').waitFor();
    expect(await dialog().getByRole('button', { name: 'Restore' }).isDisabled()).toBe(true);
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
    expect(await activeIds()).toEqual([1, 3, 101]);
  });

  it('offers to restore a row with its parent', async () => {
    await open();
    await page.getByRole('link', { name: 'Review' }).click();
    await page.getByRole('button', { name: 'Restore: Optimal.' }).click();
    await dialog().getByText('Review 101 belongs to Customer 102, which is deleted.').waitFor();
    await dialog().getByRole('button', { name: 'Restore with parents' }).click();
    await dialog().getByText('This comes back:').waitFor();
    await dialog().getByRole('button', { name: 'Restore', exact: true }).click();
    await shown('2 rows restored');
    expect(await activeIds()).toEqual([1, 3, 101, 102]);
  });

  it('restores several at once', async () => {
    await open();
    for (const name of ['Tony Hoare', 'Margaret Hamilton']) {
      await page.getByLabel(`Select ${name}`).check();
    }
    await shown('2 rows selected');
    await page.getByRole('group').getByRole('button', { name: 'Restore' }).click();
    await dialog().getByText('This comes back:').waitFor();
    await dialog().getByRole('button', { name: 'Restore' }).click();
    await shown('2 rows restored');
    expect(await activeIds()).toEqual([1, 3, 101, 103, 104]);
  });

  it('removes a row for good once its number is typed', async () => {
    await open();
    await page.getByRole('button', { name: 'Frances Allen', exact: true }).click();
    await dialog().getByText('frances@example.com').waitFor();
    await dialog().getByRole('button', { name: 'Remove for good' }).click();
    const remove = dialog().getByRole('button', { name: 'Remove for good' });
    await dialog().getByLabel('Type 3 to confirm').fill('2');
    expect(await remove.isDisabled()).toBe(true);
    await dialog().getByLabel('Type 3 to confirm').fill('3');
    await remove.click();
    await shown('3 rows removed for good');
    expect(await shop.query('select id from customers where id = 102')).toEqual([]);
  });

  it('keeps a row by a hold, says so in its history, and releases it', async () => {
    await open();
    const details = async () => {
      await page.getByRole('button', { name: 'Frances Allen', exact: true }).click();
      await dialog().getByText('Deleted together').waitFor();
    };
    await details();
    await dialog().getByRole('button', { name: 'Hold', exact: true }).click();
    const place = dialog().getByRole('button', { name: 'Hold', exact: true });
    expect(await place.isDisabled()).toBe(true);
    await dialog().getByLabel('Name of the hold').fill('Miller ./. Smith');
    await dialog().getByLabel('Reason').fill('The teapot arrived in pieces');
    await place.click();
    await shown('Hold placed');
    expect(await row('Frances Allen').innerText()).toContain('held');
    await page.getByRole('link', { name: 'Review' }).click();
    expect(await row('Optimal.').innerText()).toContain('held');

    await page.getByRole('link', { name: 'Customer' }).click();
    await details();
    await dialog().getByText('placed by admin').waitFor();
    expect(await dialog().locator('.records li').first().innerText()).toMatch(/Held\s+admin: The teapot arrived/);
    await dialog().getByRole('button', { name: 'Remove for good' }).click();
    await dialog().getByText('It cannot go yet').waitFor();
    await dialog().getByText('Miller ./. Smith').first().waitFor();
    await page.keyboard.press('Escape');

    await details();
    await dialog().getByRole('button', { name: 'Release: Miller ./. Smith' }).click();
    await dialog().getByLabel('Reason').fill('settled');
    await dialog().getByRole('button', { name: 'Release', exact: true }).click();
    await shown('Hold released');
    await dialog().getByText('placed by admin').waitFor({ state: 'detached' });
    expect(await shop.query('select release_reason from legal_hold order by id desc limit 1')).toEqual([
      { release_reason: 'settled' },
    ]);
  });

  it('says who deleted a row and why, and finds by it', async () => {
    await open();
    await page.getByRole('button', { name: 'Restore: Margaret Hamilton' }).click();
    await dialog().getByLabel('Reason (optional)').fill('by mistake');
    await dialog().getByRole('button', { name: 'Restore' }).click();
    await shown('1 row restored');
    await page.getByRole('button', { name: 'Undo' }).click();
    await row('Margaret Hamilton').waitFor();
    expect(await row('Margaret Hamilton').innerText()).toMatch(/admin\s+Undo/);
    await page.getByLabel('Deleted by').fill('admin');
    await row('Frances Allen').waitFor({ state: 'detached' });
    expect(await labels()).toEqual(['Margaret Hamilton']);
    await page.getByLabel('Deleted by').fill('nobody');
    await shown('Nothing found');
  });

  it('shows what is due and what blocks it, and purges', async () => {
    await open();
    await page.getByRole('link', { name: 'Purge' }).click();
    await page.getByRole('button', { name: 'Preview' }).click();
    await shown('2 rows would be removed for good:');
    await shown('1 row of orders');
    await page.getByLabel('Type 2 to confirm').fill('2');
    await page.screenshot({ path: '/tmp/admin-purge.png' });
    await page.getByRole('button', { name: 'Purge now' }).click();
    await shown('2 rows purged');
    await shown('1 row of Customer');
    expect(await shop.query('select id from customers where id in (4, 5)')).toEqual([{ id: 5 }]);
    await shop.query(
      `insert into customers (id, email, name) overriding system value values (4, 'edsger@example.com', 'Edsger Dijkstra');
       insert into reviews (id, customer_id, product_id, rating, text) overriding system value values (5, 4, 1, 2, 'Its knob is harmful.')`,
    );
  });

  it('shows nothing to somebody without the key', async () => {
    await open({}, 'wrong');
    await shown('The server does not accept this key.');
    expect(await page.content()).not.toContain('Margaret');
    await page.getByLabel('Key').fill(adminApiKey);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await shown('Margaret Hamilton');
    await page.reload();
    await shown('Margaret Hamilton');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Key').waitFor();
    expect(await page.content()).not.toContain('Margaret');
  });

  it('does nothing for a page of another site', async () => {
    await open();
    const status = await page.evaluate(
      (key) =>
        fetch('/admin/deleted/api/entities/Customer/restore', {
          method: 'POST',
          headers: { 'content-type': 'text/plain', 'x-api-key': key },
          body: '{"keys":["104"]}',
        }).then((response) => response.status),
      adminApiKey,
    );
    expect(status).toBe(415);
    expect(await activeIds()).toEqual([1, 3, 101]);
  });

  it('executes nothing that a row contains, and nothing that is injected', async () => {
    await shop.query(`update customers set name = '<img src=x onerror=alert(1)>' where id = 104`);
    await open();
    await shown('<img src=x onerror=alert(1)>');
    expect(await page.locator('tbody img').count()).toBe(0);
    const ran = await page.evaluate(`
      const script = document.createElement('script');
      script.textContent = 'window.injected = true';
      document.body.append(script);
      'injected' in window`);
    expect(ran).toBe(false);
    expect(complaints.join()).toMatch(/Content Security Policy/);
    complaints = [];
  });

  it('can be used by the keyboard alone', async () => {
    await open();
    await shown('Margaret Hamilton');
    const focused = () => page.evaluate(`document.activeElement?.getAttribute('aria-label') ?? ''`);
    for (let i = 0; (await focused()) !== 'Restore: Margaret Hamilton'; i++) {
      expect(i).toBeLessThan(60);
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await dialog().getByText('This comes back:').waitFor();
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
    await page.locator('[aria-label="Restore: Margaret Hamilton"]:focus').waitFor();
    await page.keyboard.press('Enter');
    await dialog().getByText('This comes back:').waitFor();
    const isPrimary = () => page.evaluate(`document.activeElement?.classList.contains('primary')`);
    for (let i = 0; !(await isPrimary()); i++) {
      expect(i).toBeLessThan(10);
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await shown('1 row restored');
    await row('Margaret Hamilton').waitFor({ state: 'detached' });
    await page.locator(':focus').waitFor();
    await page.getByRole('button', { name: 'Undo' }).press('Enter');
    await shown('1 row deleted again');
    await row('Margaret Hamilton').waitFor();
    await page.locator(':focus').waitFor();
  });

  it('shows cards on a phone, without scrolling sideways', async () => {
    await open({ viewport: { width: 375, height: 740 }, isMobile: true, hasTouch: true });
    await shown('Margaret Hamilton');
    expect(await page.evaluate(`document.documentElement.scrollWidth`)).toBeLessThanOrEqual(375);
    const [first, second] = await page
      .locator('tbody tr')
      .evaluateAll((rows) => rows.map((row: any) => row.getBoundingClientRect().top));
    expect(second! - first!).toBeGreaterThan(120);
    await page.screenshot({ path: '/tmp/admin-mobile.png' });
    await page.getByRole('button', { name: 'Restore: Margaret Hamilton' }).tap();
    await dialog().getByText('This comes back:').waitFor();
    await page.screenshot({ path: '/tmp/admin-mobile-dialog.png' });
  });

  it.each(['light', 'dark'] as const)('has nothing that axe finds serious in %s', async (colorScheme) => {
    await open({ colorScheme, reducedMotion: 'reduce' });
    await shown('Margaret Hamilton');
    const ground = await page.evaluate(`getComputedStyle(document.documentElement).backgroundColor`);
    expect(ground).toBe(colorScheme === 'dark' ? 'rgb(20, 23, 26)' : 'rgb(246, 247, 248)');
    const states: Record<string, () => Promise<unknown>> = {
      list: async () => page.getByLabel('Select Tony Hoare').check(),
      restore: async () => {
        await page.getByRole('button', { name: 'Restore: Frances Allen' }).click();
        await dialog().getByText('This comes back:').waitFor();
      },
      conflict: async () => {
        await page.keyboard.press('Escape');
        await page.getByRole('button', { name: 'Restore: Grace Hopper' }).click();
        await dialog().getByText('in use by').waitFor();
      },
      details: async () => {
        await page.keyboard.press('Escape');
        await page.getByRole('button', { name: 'Frances Allen', exact: true }).click();
        await dialog().getByText('Deleted together').waitFor();
      },
      remove: async () => {
        await dialog().getByRole('button', { name: 'Remove for good' }).click();
        await dialog().getByLabel('Type 3 to confirm').waitFor();
      },
      hold: async () => {
        await page.keyboard.press('Escape');
        await page.getByRole('button', { name: 'Frances Allen', exact: true }).click();
        await dialog().getByText('Deleted together').waitFor();
        await dialog().getByRole('button', { name: 'Hold', exact: true }).click();
        await dialog().getByLabel('Name of the hold').waitFor();
      },
      purge: async () => {
        await page.keyboard.press('Escape');
        await page.getByRole('link', { name: 'Purge' }).click();
        await page.getByRole('button', { name: 'Preview' }).click();
        await shown('2 rows would be removed');
      },
      'sign-in': async () => page.getByRole('button', { name: 'Sign out' }).click(),
    };
    for (const [state, enter] of Object.entries(states)) {
      await enter();
      await page.screenshot({ path: `/tmp/admin-${colorScheme}-${state}.png` });
      expect([state, await seriousFindings()]).toEqual([state, []]);
    }
  });

  async function seriousFindings(): Promise<string[]> {
    await page.evaluate(axe);
    const { violations } = await page.evaluate<any>('axe.run()');
    return violations
      .filter(({ impact }: any) => ['serious', 'critical'].includes(impact))
      .map(({ id, nodes }: any) => `${id}: ${nodes.map(({ html }: any) => html).join(' ')}`);
  }
});
