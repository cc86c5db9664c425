// Builds what is out of date, then becomes the sample app.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 17)) {
  console.error(
    `This is Node ${process.versions.node}, and MikroORM needs 22.17. Use "npm start": it runs on the Node that "npm install" brought along.`,
  );
  process.exit(1);
}

const { build } = await import('./build.mjs');
try {
  await build();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
await import('../sample-app/dist/main.js');
