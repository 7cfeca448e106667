// Initiates the replica set unless that was done; then waits for a primary. Safe to run again.
const name = process.env.NAME;
const host = (n) => `${name}-${n}.${name}-srv:27017`;
const members = [0, 1, 2].map((n) => ({ _id: n, host: host(n) }));
const admin = new Mongo(`mongodb://${host(0)}/?directConnection=true&serverSelectionTimeoutMS=5000`).getDB("admin");

try {
  admin.adminCommand({ replSetInitiate: { _id: "rs0", members } });
} catch (error) {
  if (error.codeName !== "AlreadyInitialized") throw error;
}
while (!admin.hello().setName || !admin.hello().primary) sleep(500);
print(`${name}: primary ${admin.hello().primary}`);
