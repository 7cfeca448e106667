package gittix.mongo;

import java.lang.reflect.Array;
import java.nio.ByteBuffer;

import org.h2.mvstore.WriteBuffer;
import org.h2.mvstore.type.BasicDataType;

import de.bwaldvogel.mongo.backend.ValueComparator;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.bson.BsonDecoder;
import de.bwaldvogel.mongo.wire.bson.BsonEncoder;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/** Stores keys and documents as BSON. H2's own type serialises Java objects: many times the bytes and the work. */
final class BsonType<T> extends BasicDataType<T> {

    private static final String FIELD = "v";
    private static final int ESTIMATED_BYTES_PER_FIELD = 64;

    private final Class<T> type;

    BsonType(Class<T> type) {
        this.type = type;
    }

    @Override
    public int compare(T a, T b) {
        return ValueComparator.asc().compare(a, b);
    }

    @Override
    public int binarySearch(T key, Object storage, int size, int initialGuess) {
        T[] keys = cast(storage);
        int low = 0;
        int high = size - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            int order = compare(key, keys[middle]);
            if (order > 0) {
                low = middle + 1;
            } else if (order < 0) {
                high = middle - 1;
            } else {
                return middle;
            }
        }
        return -(low + 1);
    }

    @Override
    public int getMemory(T value) {
        return value instanceof Document document ? ESTIMATED_BYTES_PER_FIELD * (1 + document.size()) : ESTIMATED_BYTES_PER_FIELD;
    }

    @Override
    public void write(WriteBuffer target, T value) {
        ByteBuf bytes = Unpooled.buffer(256);
        BsonEncoder.encodeDocument(new Document(FIELD, value), bytes);
        target.put(bytes.array(), bytes.arrayOffset(), bytes.readableBytes());
    }

    @Override
    public T read(ByteBuffer source) {
        ByteBuf bytes = Unpooled.wrappedBuffer(source);
        Document document = BsonDecoder.decodeBson(bytes);
        source.position(source.position() + bytes.readerIndex());
        return type.cast(document.get(FIELD));
    }

    @Override
    @SuppressWarnings("unchecked")
    public T[] createStorage(int size) {
        return (T[]) Array.newInstance(type, size);
    }
}
