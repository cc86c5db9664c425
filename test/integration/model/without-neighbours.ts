/** To be imported before the entities: what these have for the neighbours' sake is then as plain as the rest. */
process.env['MODEL_NEIGHBOURS'] = 'none';
